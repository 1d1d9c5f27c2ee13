-- one row per NHANES cycle whose adults do not have the published 24-25 % mild and 6 % moderate to severe leg cramps
-- Grandner MA, Winkelman JW. PLoS ONE 2017;12(6):e0178465: mild is rarely or sometimes, moderate to severe is often or more
with adults as (
  select
    wave,
    max(case when outcome = 'has_cramps' then prevalence end) as any_cramps,
    max(case when outcome = 'has_frequent_cramps' then prevalence end) as moderate_to_severe
  from report.prevalence_by_age_band
  where source = 'nhanes' and wave <> 'pooled' and population = 'adults_20_plus' and age_band = 'all'
  group by wave
)
select wave, any_cramps - moderate_to_severe as mild, moderate_to_severe
from adults
where round(100 * (any_cramps - moderate_to_severe)) not between 24 and 25 or round(100 * moderate_to_severe) <> 6
