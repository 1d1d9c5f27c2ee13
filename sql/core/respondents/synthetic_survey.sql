-- one row per respondent of one wave of the synthetic survey
select
  cast(respondent as varchar) as respondent_id,
  age as age_years,
  'missing' as age_years_missing,
  sex_code as sex,
  coalesce(sex_missing, 'missing') as sex_missing,
  ethnicity_code as race_ethnicity,
  coalesce(ethnicity_missing, 'missing') as race_ethnicity_missing,
  pregnant_code = 'yes' as is_pregnant,
  case when sex_code = 'female' and age between 20 and 44 then coalesce(pregnant_missing, 'missing') else 'not_asked' end
    as is_pregnant_missing,
  case
    when loop_diuretic_code = 'yes' or thiazide_diuretic_code = 'yes' or potassium_sparing_diuretic_code = 'yes' then true
    when loop_diuretic_code = 'no' and thiazide_diuretic_code = 'no' and potassium_sparing_diuretic_code = 'no' then false
  end as takes_diuretic,
  coalesce(loop_diuretic_missing, thiazide_diuretic_missing, potassium_sparing_diuretic_missing, 'missing')
    as takes_diuretic_missing,
  loop_diuretic_code = 'yes' as takes_loop_diuretic,
  coalesce(loop_diuretic_missing, 'missing') as takes_loop_diuretic_missing,
  thiazide_diuretic_code = 'yes' as takes_thiazide_diuretic,
  coalesce(thiazide_diuretic_missing, 'missing') as takes_thiazide_diuretic_missing,
  potassium_sparing_diuretic_code = 'yes' as takes_potassium_sparing_diuretic,
  coalesce(potassium_sparing_diuretic_missing, 'missing') as takes_potassium_sparing_diuretic_missing,
  beta_agonist_code = 'yes' as takes_beta_agonist,
  coalesce(beta_agonist_missing, 'missing') as takes_beta_agonist_missing,
  long_acting_beta_agonist_code = 'yes' as takes_long_acting_beta_agonist,
  coalesce(long_acting_beta_agonist_missing, 'missing') as takes_long_acting_beta_agonist_missing,
  statin_code = 'yes' as takes_statin,
  coalesce(statin_missing, 'missing') as takes_statin_missing,
  case
    when vigorous_activity_code = 'yes' or moderate_activity_code = 'yes' then false
    when vigorous_activity_code = 'no' and moderate_activity_code = 'no' then true
  end as is_sedentary,
  coalesce(vigorous_activity_missing, moderate_activity_missing, 'missing') as is_sedentary_missing,
  case
    when vigorous_activity_code = 'yes' then 'vigorous'
    when vigorous_activity_code = 'no' and moderate_activity_code = 'yes' then 'moderate'
    when vigorous_activity_code = 'no' and moderate_activity_code = 'no' then 'none'
  end as activity_level,
  coalesce(vigorous_activity_missing, moderate_activity_missing, 'missing') as activity_level_missing,
  case when sitting_minutes_missing is null then sitting_minutes end as sitting_minutes_per_day,
  coalesce(sitting_minutes_missing, 'missing') as sitting_minutes_per_day_missing,
  magnesium_mg as magnesium_intake_mg,
  case when dietary_weight > 0 then 'missing' else 'not_asked' end as magnesium_intake_mg_missing,
  bmi as body_mass_index_kg_m2,
  case when exam_weight > 0 then 'missing' else 'not_asked' end as body_mass_index_kg_m2_missing,
  leg_cramps_code as cramp_frequency,
  coalesce(leg_cramps_missing, 'missing') as cramp_frequency_missing,
  interview_weight,
  exam_weight,
  dietary_weight,
  stratum,
  psu
from decoded.synthetic_survey_respondents
