-- one row per participant of one wave of the synthetic case-control source
select
  cast(participant as varchar) as respondent_id,
  age as age_years,
  sex_code as sex,
  loop_diuretic_code = 'yes' or thiazide_diuretic_code = 'yes' or potassium_sparing_diuretic_code = 'yes' as takes_diuretic,
  loop_diuretic_code = 'yes' as takes_loop_diuretic,
  thiazide_diuretic_code = 'yes' as takes_thiazide_diuretic,
  potassium_sparing_diuretic_code = 'yes' as takes_potassium_sparing_diuretic,
  beta_agonist_code = 'yes' as takes_beta_agonist,
  long_acting_beta_agonist_code = 'yes' as takes_long_acting_beta_agonist,
  statin_code = 'yes' as takes_statin,
  sedentary_code = 'yes' as is_sedentary,
  coalesce(sedentary_missing, 'missing') as is_sedentary_missing,
  night_cramps_code = 'yes' as has_cramps,
  cast(pair as varchar) as matched_set,
  night_cramps_code = 'yes' as is_case
from decoded.synthetic_case_control_participants
