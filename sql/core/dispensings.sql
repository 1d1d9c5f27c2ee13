-- one row per dispensing of one wave of one source: what is the same for every source, made of what its select returns
select
  this_wave.source,
  this_wave.wave,
  answers.person_id,
  answers.event_date,
  answers.atc_code,
  answers.age_years,
  case when answers.age_years is null then answers.age_years_missing end as age_years_missing,
  answers.sex,
  case when answers.sex is null then answers.sex_missing end as sex_missing,
  this_wave.is_synthetic
from answers.dispensings as answers
cross join meta.this_wave as this_wave
order by length(answers.person_id), answers.person_id, answers.event_date, answers.atc_code
