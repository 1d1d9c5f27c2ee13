-- one row per claim of the article: what it prints, what its sources print, what real data of ours say, and the verdict
select
  'published' as source,
  claims.claim_id,
  claims.claim,
  claims.number_in_article,
  claims.named_source,
  claims.primary_source_says,
  claims.evidence_ids,
  claims.ours_source,
  claims.ours_wave,
  claims.ours_population,
  claims.ours_outcome,
  claims.ours_exposure,
  claims.ours_is,
  coalesce(prevalences.prevalence, odds_ratios.odds_ratio) as ours,
  coalesce(prevalences.prevalence_lower, odds_ratios.odds_ratio_lower) as ours_lower,
  coalesce(prevalences.prevalence_upper, odds_ratios.odds_ratio_upper) as ours_upper,
  case
    when claims.ours_source is null then 'these data do not ask this'
    when prevalences.source is null and odds_ratios.source is null then 'nothing of it has been delivered'
    when coalesce(prevalences.prevalence, odds_ratios.odds_ratio) is null
      then coalesce(prevalences.presentation_reason, odds_ratios.presentation_reason, 'not shown')
  end as ours_reason,
  claims.verdict,
  claims.reason,
  false as is_synthetic
from evidence.claims as claims
left join report.prevalence_by_age_band as prevalences
  on claims.ours_exposure is null
  and prevalences.source = claims.ours_source
  and prevalences.wave = claims.ours_wave
  and prevalences.population = claims.ours_population
  and prevalences.outcome = claims.ours_outcome
  and prevalences.age_band = 'all'
  and not prevalences.is_synthetic
left join report.odds_ratios as odds_ratios
  on odds_ratios.source = claims.ours_source
  and odds_ratios.wave = claims.ours_wave
  and odds_ratios.population = claims.ours_population
  and odds_ratios.outcome = claims.ours_outcome
  and odds_ratios.exposure = claims.ours_exposure
  and odds_ratios.exposure_level = 'true'
  and odds_ratios.model = claims.ours_model
  and not odds_ratios.is_synthetic
order by claims.claim_id
