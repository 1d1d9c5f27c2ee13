-- How common would each outcome be if every wave had the same age structure?
-- prevalence is weighted to the standard population, crude_prevalence is as the people are; compare women with men, and waves, on
-- the former. Proportions are 0-1.
with crude as (
  select source, wave, population, outcome, sex, prevalence from report.prevalence_by_age_band_and_sex where age_band = 'all'
  union all
  select source, wave, population, outcome, 'all' as sex, prevalence from report.prevalence_by_age_band where age_band = 'all'
)
select
  source, wave, population, outcome, standard_population, sex,
  round(standardised.prevalence, 3) as prevalence,
  round(standardised.prevalence_lower, 3) as prevalence_lower,
  round(standardised.prevalence_upper, 3) as prevalence_upper,
  round(crude.prevalence, 3) as crude_prevalence
from report.prevalence_age_standardised as standardised
left join crude using (source, wave, population, outcome, sex)
order by source, wave, population, outcome, standard_population, sex
