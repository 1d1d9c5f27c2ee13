-- one row per respondent of one wave of one source: what is the same for every source, made of the answers that its select returns
-- Top codes and age bands are in the answers already, by the source's file and study.yaml.
select
  this_wave.source,
  this_wave.wave,
  answers.respondent_id,
  answers.age_years,
  case when answers.age_years is null then answers.age_years_missing end as age_years_missing,
  answers.age_band,
  answers.sex,
  case when answers.sex is null then answers.sex_missing end as sex_missing,
  answers.race_ethnicity,
  case when answers.race_ethnicity is null then answers.race_ethnicity_missing end as race_ethnicity_missing,
  answers.is_pregnant,
  case when answers.is_pregnant is null then answers.is_pregnant_missing end as is_pregnant_missing,
  answers.takes_diuretic,
  case when answers.takes_diuretic is null then answers.takes_diuretic_missing end as takes_diuretic_missing,
  answers.takes_loop_diuretic,
  case when answers.takes_loop_diuretic is null then answers.takes_loop_diuretic_missing end as takes_loop_diuretic_missing,
  answers.takes_thiazide_diuretic,
  case when answers.takes_thiazide_diuretic is null then answers.takes_thiazide_diuretic_missing end
    as takes_thiazide_diuretic_missing,
  answers.takes_potassium_sparing_diuretic,
  case when answers.takes_potassium_sparing_diuretic is null then answers.takes_potassium_sparing_diuretic_missing end
    as takes_potassium_sparing_diuretic_missing,
  answers.takes_beta_agonist,
  case when answers.takes_beta_agonist is null then answers.takes_beta_agonist_missing end as takes_beta_agonist_missing,
  answers.takes_long_acting_beta_agonist,
  case when answers.takes_long_acting_beta_agonist is null then answers.takes_long_acting_beta_agonist_missing end
    as takes_long_acting_beta_agonist_missing,
  answers.takes_statin,
  case when answers.takes_statin is null then answers.takes_statin_missing end as takes_statin_missing,
  answers.is_sedentary,
  case when answers.is_sedentary is null then answers.is_sedentary_missing end as is_sedentary_missing,
  answers.activity_level,
  case when answers.activity_level is null then answers.activity_level_missing end as activity_level_missing,
  answers.sitting_minutes_per_day,
  case when answers.sitting_minutes_per_day is null then answers.sitting_minutes_per_day_missing end
    as sitting_minutes_per_day_missing,
  answers.magnesium_intake_mg,
  case when answers.magnesium_intake_mg is null then answers.magnesium_intake_mg_missing end as magnesium_intake_mg_missing,
  answers.is_in_lowest_magnesium_quartile,
  case when answers.is_in_lowest_magnesium_quartile is null then answers.is_in_lowest_magnesium_quartile_missing end
    as is_in_lowest_magnesium_quartile_missing,
  answers.serum_calcium_mg_dl,
  case when answers.serum_calcium_mg_dl is null then answers.serum_calcium_mg_dl_missing end as serum_calcium_mg_dl_missing,
  answers.serum_potassium_mmol_l,
  case when answers.serum_potassium_mmol_l is null then answers.serum_potassium_mmol_l_missing end
    as serum_potassium_mmol_l_missing,
  answers.body_mass_index_kg_m2,
  case when answers.body_mass_index_kg_m2 is null then answers.body_mass_index_kg_m2_missing end as body_mass_index_kg_m2_missing,
  answers.cramp_frequency,
  case when answers.cramp_frequency is null then answers.cramp_frequency_missing end as cramp_frequency_missing,
  -- a survey that asked how often does not say itself who has cramps; one that asked only whether does
  case when answers.cramp_frequency is null then answers.has_cramps else answers.cramp_frequency <> 'never' end as has_cramps,
  case
    when answers.cramp_frequency is null and answers.has_cramps is null
    then coalesce(nullif(answers.cramp_frequency_missing, 'not_asked'), answers.has_cramps_missing)
  end as has_cramps_missing,
  case
    when answers.cramp_frequency is null then answers.has_frequent_cramps
    else answers.cramp_frequency in ('often', 'almost_always')
  end as has_frequent_cramps,
  case
    when answers.cramp_frequency is null and answers.has_frequent_cramps is null
    then coalesce(nullif(answers.cramp_frequency_missing, 'not_asked'), answers.has_frequent_cramps_missing)
  end as has_frequent_cramps_missing,
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
