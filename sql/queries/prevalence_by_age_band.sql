-- How common is each outcome in each age band?
-- Proportions (0-1) of people, with intervals at confidence_level; pooled waves where a source pools them, otherwise the last of
-- its waves by name; NULL is not shown, see numbers_not_shown.
select
  source, wave, population, outcome, age_band, n_respondents, confidence_level,
  round(prevalence, 3) as prevalence,
  round(prevalence_lower, 3) as prevalence_lower,
  round(prevalence_upper, 3) as prevalence_upper
from report.prevalence_by_age_band
where population in (select population from report.prevalence_by_age_band where age_band <> 'all')
qualify wave = coalesce(
  max(case when wave = 'pooled' then wave end) over (partition by source), max(wave) over (partition by source)
)
order by source, wave, population, outcome, age_band
