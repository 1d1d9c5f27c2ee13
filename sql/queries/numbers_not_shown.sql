-- Which numbers are not shown, and why?
-- suppress is the verdict of the NCHS presentation standards (too few people, too wide an interval, waves not comparable);
-- is_suppressed is disclosure control. Their numbers are NULL, never 0.
with numbers as (
  select
    'report.characteristics_by_outcome' as table_name, source, wave, population, outcome,
    characteristic || ' ' || level as row_key,
    presentation, presentation_reason, is_suppressed
  from report.characteristics_by_outcome
  union all
  select
    'report.odds_ratios' as table_name, source, wave, population, outcome,
    exposure || ' ' || exposure_level || ', ' || model as row_key,
    presentation, presentation_reason, is_suppressed
  from report.odds_ratios
  union all
  select
    'report.prevalence_age_standardised' as table_name, source, wave, population, outcome,
    'sex ' || sex as row_key,
    presentation, presentation_reason, is_suppressed
  from report.prevalence_age_standardised
  union all
  select
    'report.prevalence_by_age_band' as table_name, source, wave, population, outcome,
    'age_band ' || age_band as row_key,
    presentation, presentation_reason, is_suppressed
  from report.prevalence_by_age_band
  union all
  select
    'report.prevalence_by_age_band_and_sex' as table_name, source, wave, population, outcome,
    'age_band ' || age_band || ', sex ' || sex as row_key,
    presentation, presentation_reason, is_suppressed
  from report.prevalence_by_age_band_and_sex
  union all
  select
    'report.prevalence_by_exposure' as table_name, source, wave, population, outcome,
    exposure || ' ' || exposure_level as row_key,
    presentation, presentation_reason, is_suppressed
  from report.prevalence_by_exposure
  union all
  select
    'report.trends' as table_name, source, wave, population, outcome,
    'over ' || variable as row_key,
    presentation, presentation_reason, is_suppressed
  from report.trends
)
select table_name, source, wave, population, outcome, row_key, presentation_reason, is_suppressed
from numbers
where presentation = 'suppress' or is_suppressed
order by table_name, source, wave, population, outcome, row_key
