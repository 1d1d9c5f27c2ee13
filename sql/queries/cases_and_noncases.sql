-- How do people with and without each outcome differ?
-- Weighted shares of a categorical characteristic; of a continuous one means, with the standard deviation in the population. The
-- p-value is that of the whole characteristic. A number that is empty is not reliable enough to be shown.
select
  source, wave, population, outcome, characteristic, level, n_cases, n_noncases, n_missing,
  round(coalesce(share_of_cases, mean_of_cases), 3) as cases,
  round(sd_of_cases, 2) as sd_of_cases,
  round(coalesce(share_of_noncases, mean_of_noncases), 3) as noncases,
  round(sd_of_noncases, 2) as sd_of_noncases,
  round(p_value, 4) as p_value,
  coalesce(presentation_reason, p_value_reason) as note
from report.characteristics_by_outcome
order by source, wave, population, outcome, kind desc, characteristic, level
