-- one row per planted value of a synthetic source: what is true, what was estimated, and whether the interval holds the truth
with planted as (
  select
    'synthetic_survey' as source,
    survey.wave,
    survey.measure,
    survey.population,
    survey.outcome,
    survey.age_band,
    survey.exposure,
    survey.exposure_level,
    survey.model,
    survey.planted
  from raw.synthetic_survey_planted as survey
  union all
  select
    'synthetic_case_control' as source,
    case_control.wave,
    case_control.measure,
    case_control.population,
    case_control.outcome,
    case_control.age_band,
    case_control.exposure,
    case_control.exposure_level,
    case_control.model,
    case_control.planted
  from raw.synthetic_case_control_planted as case_control
),
compared as (
  select
    planted.source,
    planted.wave,
    planted.measure,
    planted.population,
    planted.outcome,
    planted.age_band,
    planted.exposure,
    planted.exposure_level,
    planted.model,
    planted.planted,
    coalesce(prevalences.prevalence, odds_ratios.odds_ratio) as estimate,
    coalesce(prevalences.prevalence_lower, odds_ratios.odds_ratio_lower) as estimate_lower,
    coalesce(prevalences.prevalence_upper, odds_ratios.odds_ratio_upper) as estimate_upper
  from planted
  left join report.prevalence_by_age_band as prevalences
    on planted.measure = 'prevalence'
    and prevalences.source = planted.source
    and prevalences.wave = planted.wave
    and prevalences.population = planted.population
    and prevalences.outcome = planted.outcome
    and prevalences.age_band = planted.age_band
  left join report.odds_ratios as odds_ratios
    on planted.measure = 'odds_ratio'
    and odds_ratios.source = planted.source
    and odds_ratios.wave = planted.wave
    and odds_ratios.population = planted.population
    and odds_ratios.outcome = planted.outcome
    and odds_ratios.exposure = planted.exposure
    and odds_ratios.exposure_level = planted.exposure_level
    and odds_ratios.model = planted.model
)
select
  compared.source,
  compared.wave,
  compared.measure,
  compared.population,
  compared.outcome,
  compared.age_band,
  compared.exposure,
  compared.exposure_level,
  compared.model,
  compared.planted,
  compared.estimate,
  compared.estimate_lower,
  compared.estimate_upper,
  compared.planted between compared.estimate_lower and compared.estimate_upper as is_covered,
  true as is_synthetic
from compared
order by
  compared.source,
  compared.wave,
  compared.measure,
  compared.population,
  compared.outcome,
  compared.age_band,
  compared.exposure,
  compared.exposure_level,
  compared.model
