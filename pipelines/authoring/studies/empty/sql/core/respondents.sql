-- one row per respondent of one wave of one source: what is the same for every source, made of the answers that its select returns
-- A variable is two columns here, one in the contract and one line in study.yaml: <variable> and why it is unanswered.
select
  this_wave.source,
  this_wave.wave,
  answers.respondent_id,
  answers.age_years,
  case when answers.age_years is null then answers.age_years_missing end as age_years_missing,
  answers.age_band,
  answers.sex,
  case when answers.sex is null then answers.sex_missing end as sex_missing,
  answers.has_outcome,
  case when answers.has_outcome is null then answers.has_outcome_missing end as has_outcome_missing,
  answers.is_exposed,
  case when answers.is_exposed is null then answers.is_exposed_missing end as is_exposed_missing,
  answers.interview_weight,
  answers.exam_weight,
  answers.dietary_weight,
  answers.stratum,
  answers.psu,
  answers.stratum_text,
  answers.psu_text,
  answers.matched_set,
  answers.is_case,
  this_wave.is_synthetic
from answers.respondents as answers
cross join meta.this_wave as this_wave
order by length(answers.respondent_id), answers.respondent_id
