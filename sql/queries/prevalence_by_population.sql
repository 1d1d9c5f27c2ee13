-- How common is each outcome in each population of the study?
-- One row per wave, population and outcome; proportions are 0-1, with intervals at confidence_level; pooled is all waves of a
-- source together.
select
  source, wave, population, outcome, n_respondents, n_cases, confidence_level,
  round(prevalence, 3) as prevalence,
  round(prevalence_lower, 3) as prevalence_lower,
  round(prevalence_upper, 3) as prevalence_upper
from report.prevalence_by_age_band
where age_band = 'all'
order by source, wave, population, outcome
