-- Is an outcome more common among women than among men, at each age?
-- Proportions (0-1) of both with intervals at confidence_level, and how many times as common the outcome is among women; that
-- ratio has no interval, because both share their sampling units. Populations that are split by age, all waves together or, where
-- they are not pooled, the last one.
with shown as (
  select source, wave, population, outcome, age_band, sex, confidence_level, prevalence, prevalence_lower, prevalence_upper
  from report.prevalence_by_age_band_and_sex
  where population in (select population from report.prevalence_by_age_band_and_sex where age_band <> 'all')
  qualify wave = coalesce(
    max(case when wave = 'pooled' then wave end) over (partition by source), max(wave) over (partition by source)
  )
),
women as (
  select source, wave, population, outcome, age_band, confidence_level, prevalence, prevalence_lower, prevalence_upper
  from shown
  where sex = 'female'
),
men as (
  select source, wave, population, outcome, age_band, prevalence, prevalence_lower, prevalence_upper from shown where sex = 'male'
)
select
  source, wave, population, outcome, age_band, confidence_level,
  round(women.prevalence, 3) as women_prevalence,
  round(women.prevalence_lower, 3) as women_prevalence_lower,
  round(women.prevalence_upper, 3) as women_prevalence_upper,
  round(men.prevalence, 3) as men_prevalence,
  round(men.prevalence_lower, 3) as men_prevalence_lower,
  round(men.prevalence_upper, 3) as men_prevalence_upper,
  round(women.prevalence / nullif(men.prevalence, 0), 2) as women_to_men_ratio
from women
inner join men using (source, wave, population, outcome, age_band)
order by source, wave, population, outcome, age_band
