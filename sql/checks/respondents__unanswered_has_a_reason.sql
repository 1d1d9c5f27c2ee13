-- one row per respondent and variable where answer and reason contradict each other
with respondents as (
  select * from core.respondents
)
select respondent_id, 'age_years' as variable from respondents where (age_years is null) = (age_years_missing is null)
union all
select respondent_id, 'sex' from respondents where (sex is null) = (sex_missing is null)
union all
select respondent_id, 'race_ethnicity' from respondents where (race_ethnicity is null) = (race_ethnicity_missing is null)
union all
select respondent_id, 'is_pregnant' from respondents where (is_pregnant is null) = (is_pregnant_missing is null)
union all
select respondent_id, 'takes_diuretic' from respondents where (takes_diuretic is null) = (takes_diuretic_missing is null)
union all
select respondent_id, 'takes_beta_agonist' from respondents where (takes_beta_agonist is null) = (takes_beta_agonist_missing is null)
union all
select respondent_id, 'takes_statin' from respondents where (takes_statin is null) = (takes_statin_missing is null)
union all
select respondent_id, 'is_sedentary' from respondents where (is_sedentary is null) = (is_sedentary_missing is null)
union all
select respondent_id, 'activity_level' from respondents where (activity_level is null) = (activity_level_missing is null)
union all
select respondent_id, 'magnesium_intake_mg' from respondents where (magnesium_intake_mg is null) = (magnesium_intake_mg_missing is null)
union all
select respondent_id, 'cramp_frequency' from respondents where (cramp_frequency is null) = (cramp_frequency_missing is null)
union all
select respondent_id, 'has_cramps' from respondents where (has_cramps is null) = (has_cramps_missing is null)
union all
select respondent_id, 'has_frequent_cramps' from respondents where (has_frequent_cramps is null) = (has_frequent_cramps_missing is null)
union all
select respondent_id, 'is_in_lowest_magnesium_quartile' from respondents where (is_in_lowest_magnesium_quartile is null) = (is_in_lowest_magnesium_quartile_missing is null)
union all
select respondent_id, 'serum_calcium_mg_dl' from respondents where (serum_calcium_mg_dl is null) = (serum_calcium_mg_dl_missing is null)
union all
select respondent_id, 'serum_potassium_mmol_l' from respondents where (serum_potassium_mmol_l is null) = (serum_potassium_mmol_l_missing is null)
