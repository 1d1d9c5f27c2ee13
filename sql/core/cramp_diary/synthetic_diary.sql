-- one row per person and day of one wave of the synthetic diary
select
  cast(person as varchar) as person_id,
  diary_date as event_date,
  cramps,
  'missing' as cramps_missing,
  severity,
  'missing' as severity_missing,
  trigger,
  'missing' as trigger_missing
from raw.synthetic_diary_days
