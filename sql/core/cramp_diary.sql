-- one row per person and day of one wave of one diary: what is the same for every source, made of what its select returns
select
  this_wave.source,
  this_wave.wave,
  answers.person_id,
  answers.event_date,
  answers.cramps,
  case when answers.cramps is null then answers.cramps_missing end as cramps_missing,
  answers.severity,
  case when answers.severity is null and answers.cramps > 0 then answers.severity_missing end as severity_missing,
  answers.trigger,
  case when answers.trigger is null and answers.cramps > 0 then answers.trigger_missing end as trigger_missing,
  this_wave.is_synthetic
from answers.cramp_diary as answers
cross join meta.this_wave as this_wave
order by length(answers.person_id), answers.person_id, answers.event_date
