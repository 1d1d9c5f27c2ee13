-- How much precision does the sampling design cost?
-- design_effect is the variance over that of a simple random sample of the same size; n_effective is how large such a sample
-- would have to be.
select
  source, wave, population, outcome, n_respondents,
  round(design_effect, 2) as design_effect,
  round(n_effective, 0) as n_effective,
  degrees_freedom, degrees_freedom_rule
from report.prevalence_by_age_band
where age_band = 'all'
order by source, wave, population, outcome
