-- How strong would an unmeasured confounder have to be to explain an association away?
-- e_value is the risk ratio that it would need with both the exposure and the outcome; 1 means that nothing is left to explain.
-- e_value_limit is the same for the limit of the interval nearer to 1: 1 where the interval holds 1.
select
  source, wave, population, outcome, exposure, exposure_level,
  round(odds_ratio, 2) as odds_ratio,
  round(prevalence_ratio, 2) as prevalence_ratio,
  round(e_value, 2) as e_value,
  round(e_value_limit, 2) as e_value_limit
from report.odds_ratios
where model = 'adjusted' and e_value is not null
order by source, wave, population, outcome, exposure, exposure_level
