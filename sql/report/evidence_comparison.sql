-- one row per estimate of ours and published estimate of the same exposure and outcome: the same question, or why not
-- Populations that study.yaml does not define for comparisons have no row.
with ours as (
  select
    source, wave, population, outcome, 'prevalence' as measure, 'none' as exposure, null as model,
    prevalence as estimate, prevalence_lower as lower, prevalence_upper as upper, presentation_reason as reason, is_synthetic
  from report.prevalence_by_age_band
  where age_band = 'all'
  union all
  select
    source, wave, population, outcome, 'odds ratio' as measure, exposure, model,
    odds_ratio as estimate, odds_ratio_lower as lower, odds_ratio_upper as upper, presentation_reason as reason, is_synthetic
  from report.odds_ratios
  where model in ('adjusted', 'matched') and exposure_level = 'true'
),
published as (
  select
    evidence_id, study, design, people, outcome, recall_window, case_threshold, exposure_instrument, measure,
    estimate, lower, upper, printed, verified,
    case when measure = 'prevalence' then 'none' else exposure end as compared_exposure,
    measure = 'prevalence' as is_prevalence
  from evidence.register
  where outcome is not null and (exposure is not null or measure = 'prevalence')
),
-- how a design of the literature is called in the file of a source
designs(published_design, design) as (
  values
    ('cross-sectional', 'survey'), ('codebook', 'survey'), ('cross-sectional', 'clinic'),
    ('case-control', 'case_control'), ('cohort', 'cohort')
),
paired as (
  select
    ours.source, ours.wave, ours.population, ours.outcome, ours.measure, ours.exposure, ours.model,
    ours.estimate, ours.lower, ours.upper, ours.reason, ours.is_synthetic,
    published.evidence_id,
    published.study,
    published.measure as published_measure,
    published.estimate as published,
    published.lower as published_lower,
    published.upper as published_upper,
    published.printed as published_printed,
    published.verified,
    nullif(concat_ws('; ',
      case when ours.is_synthetic then 'our records were generated' end,
      case when designs.design is null
        then 'other design (' || published.design || '; ours: ' || replace(sources.design, '_', '-') || ')' end,
      case when published.measure <> ours.measure
        then 'other measure (' || published.measure || '; ours: ' || ours.measure || ')' end,
      case when published.people is distinct from of_population.people
        then 'other people (' || coalesce(published.people, 'not stated') || '; ours: '
          || coalesce(of_population.people, 'not stated') || ')' end,
      case when published.recall_window is distinct from of_outcome.recall_window
        then 'other recall window (' || coalesce(published.recall_window, 'not stated') || '; ours: '
          || coalesce(of_outcome.recall_window, 'not stated') || ')' end,
      case when published.case_threshold is distinct from of_outcome.case_threshold
        then 'other threshold of a case (' || coalesce(published.case_threshold, 'not stated') || '; ours: '
          || coalesce(of_outcome.case_threshold, 'not stated') || ')' end,
      case when not published.is_prevalence and published.exposure_instrument is distinct from of_exposure.instrument
        then 'exposure measured otherwise (' || coalesce(published.exposure_instrument, 'not stated') || '; ours: '
          || coalesce(of_exposure.instrument, 'not stated') || ')' end,
      case when published.verified = 'in the article only' then 'not found in its source' end
    ), '') as differences
  from ours
  inner join published
    on published.outcome = ours.outcome
    and published.compared_exposure = ours.exposure
    and published.is_prevalence = (ours.measure = 'prevalence')
  inner join evidence.sources as sources on sources.source = ours.source
  left join designs on designs.published_design = published.design and designs.design = sources.design
  inner join evidence.definitions as of_population on of_population.variable = ours.population
  left join evidence.definitions as of_outcome on of_outcome.variable = ours.outcome
  left join evidence.definitions as of_exposure on of_exposure.variable = ours.exposure
)
select
  source,
  wave,
  population,
  outcome,
  measure,
  exposure,
  evidence_id,
  model,
  estimate,
  lower as estimate_lower,
  upper as estimate_upper,
  case when estimate is null then coalesce(reason, 'not shown') end as estimate_reason,
  study,
  published_measure,
  published,
  published_lower,
  published_upper,
  published_printed,
  verified,
  case when measure = published_measure then lower <= published_upper and published_lower <= upper end as intervals_overlap,
  case when differences is null then 'same design and definition' else 'not the same question' end as verdict,
  differences,
  is_synthetic
from paired
order by source, wave, population, outcome, measure, exposure, evidence_id
