-- one row per respondent of one wave of the synthetic survey
with answers as (
  select
    this_wave.source,
    this_wave.wave,
    this_wave.is_synthetic,
    people.respondent,
    people.age as age_years,
    sex.code as sex,
    sex.kind_of_missing as sex_unanswered,
    case when ethnicity.kind_of_missing is null then ethnicity.code end as race_ethnicity,
    ethnicity.kind_of_missing as race_ethnicity_unanswered,
    case when pregnant.kind_of_missing is null then pregnant.code = 'yes' end as is_pregnant,
    case
      when sex.code = 'female' and people.age between 20 and 44 then coalesce(pregnant.kind_of_missing, 'missing') else 'not_asked'
    end as is_pregnant_unanswered,
    case when loop_diuretic.kind_of_missing is null then loop_diuretic.code = 'yes' end as takes_loop_diuretic,
    coalesce(loop_diuretic.kind_of_missing, 'missing') as takes_loop_diuretic_unanswered,
    case when thiazide_diuretic.kind_of_missing is null then thiazide_diuretic.code = 'yes' end as takes_thiazide_diuretic,
    coalesce(thiazide_diuretic.kind_of_missing, 'missing') as takes_thiazide_diuretic_unanswered,
    case when potassium_sparing_diuretic.kind_of_missing is null then potassium_sparing_diuretic.code = 'yes' end
      as takes_potassium_sparing_diuretic,
    coalesce(potassium_sparing_diuretic.kind_of_missing, 'missing') as takes_potassium_sparing_diuretic_unanswered,
    case
      when loop_diuretic.code = 'yes' or thiazide_diuretic.code = 'yes' or potassium_sparing_diuretic.code = 'yes' then true
      when loop_diuretic.code = 'no' and thiazide_diuretic.code = 'no' and potassium_sparing_diuretic.code = 'no' then false
    end as takes_diuretic,
    coalesce(
      loop_diuretic.kind_of_missing, thiazide_diuretic.kind_of_missing, potassium_sparing_diuretic.kind_of_missing, 'missing'
    ) as takes_diuretic_unanswered,
    case when beta_agonist.kind_of_missing is null then beta_agonist.code = 'yes' end as takes_beta_agonist,
    coalesce(beta_agonist.kind_of_missing, 'missing') as takes_beta_agonist_unanswered,
    case when long_acting_beta_agonist.kind_of_missing is null then long_acting_beta_agonist.code = 'yes' end
      as takes_long_acting_beta_agonist,
    coalesce(long_acting_beta_agonist.kind_of_missing, 'missing') as takes_long_acting_beta_agonist_unanswered,
    case when statin.kind_of_missing is null then statin.code = 'yes' end as takes_statin,
    coalesce(statin.kind_of_missing, 'missing') as takes_statin_unanswered,
    case
      when vigorous.code = 'yes' then 'vigorous'
      when vigorous.code = 'no' and moderate.code = 'yes' then 'moderate'
      when vigorous.code = 'no' and moderate.code = 'no' then 'none'
    end as activity_level,
    case
      when vigorous.code = 'yes' or moderate.code = 'yes' then false
      when vigorous.code = 'no' and moderate.code = 'no' then true
    end as is_sedentary,
    coalesce(vigorous.kind_of_missing, moderate.kind_of_missing, 'missing') as activity_unanswered,
    case when sitting.kind_of_missing is null then people.sitting_minutes end as sitting_minutes_per_day,
    coalesce(sitting.kind_of_missing, 'missing') as sitting_unanswered,
    people.magnesium_mg as magnesium_intake_mg,
    case when people.dietary_weight > 0 then 'missing' else 'not_asked' end as magnesium_unanswered,
    people.bmi as body_mass_index_kg_m2,
    case when people.exam_weight > 0 then 'missing' else 'not_asked' end as body_mass_index_unanswered,
    case when leg_cramps.kind_of_missing is null then leg_cramps.code end as cramp_frequency,
    case when people.leg_cramps is null then 'missing' else leg_cramps.kind_of_missing end as cramp_frequency_unanswered,
    people.interview_weight,
    people.exam_weight,
    people.dietary_weight,
    people.stratum,
    people.psu
  from raw.synthetic_survey_respondents as people
  cross join meta.this_wave as this_wave
  left join codebook.synthetic_survey_respondents as sex on sex.variable = 'sex' and sex.received = people.sex
  left join codebook.synthetic_survey_respondents as ethnicity
    on ethnicity.variable = 'ethnicity' and ethnicity.received = cast(people.ethnicity as varchar)
  left join codebook.synthetic_survey_respondents as pregnant
    on pregnant.variable = 'pregnant' and pregnant.received = cast(people.pregnant as varchar)
  left join codebook.synthetic_survey_respondents as loop_diuretic
    on loop_diuretic.variable = 'loop_diuretic' and loop_diuretic.received = cast(people.loop_diuretic as varchar)
  left join codebook.synthetic_survey_respondents as thiazide_diuretic
    on thiazide_diuretic.variable = 'thiazide_diuretic' and thiazide_diuretic.received = cast(people.thiazide_diuretic as varchar)
  left join codebook.synthetic_survey_respondents as potassium_sparing_diuretic
    on potassium_sparing_diuretic.variable = 'potassium_sparing_diuretic'
    and potassium_sparing_diuretic.received = cast(people.potassium_sparing_diuretic as varchar)
  left join codebook.synthetic_survey_respondents as beta_agonist
    on beta_agonist.variable = 'beta_agonist' and beta_agonist.received = cast(people.beta_agonist as varchar)
  left join codebook.synthetic_survey_respondents as long_acting_beta_agonist
    on long_acting_beta_agonist.variable = 'long_acting_beta_agonist'
    and long_acting_beta_agonist.received = cast(people.long_acting_beta_agonist as varchar)
  left join codebook.synthetic_survey_respondents as statin
    on statin.variable = 'statin' and statin.received = cast(people.statin as varchar)
  left join codebook.synthetic_survey_respondents as vigorous
    on vigorous.variable = 'vigorous_activity' and vigorous.received = cast(people.vigorous_activity as varchar)
  left join codebook.synthetic_survey_respondents as moderate
    on moderate.variable = 'moderate_activity' and moderate.received = cast(people.moderate_activity as varchar)
  left join codebook.synthetic_survey_respondents as sitting
    on sitting.variable = 'sitting_minutes' and sitting.received = cast(people.sitting_minutes as varchar)
  left join codebook.synthetic_survey_respondents as leg_cramps
    on leg_cramps.variable = 'leg_cramps' and leg_cramps.received = cast(people.leg_cramps as varchar)
)
select
  answers.source,
  answers.wave,
  cast(answers.respondent as varchar) as respondent_id,
  answers.age_years,
  case when answers.age_years is null then 'missing' end as age_years_missing,
  answers.sex,
  case when answers.sex is null then coalesce(answers.sex_unanswered, 'missing') end as sex_missing,
  answers.race_ethnicity,
  case when answers.race_ethnicity is null then coalesce(answers.race_ethnicity_unanswered, 'missing') end as race_ethnicity_missing,
  answers.is_pregnant,
  case when answers.is_pregnant is null then answers.is_pregnant_unanswered end as is_pregnant_missing,
  answers.takes_diuretic,
  case when answers.takes_diuretic is null then answers.takes_diuretic_unanswered end as takes_diuretic_missing,
  answers.takes_loop_diuretic,
  case when answers.takes_loop_diuretic is null then answers.takes_loop_diuretic_unanswered end as takes_loop_diuretic_missing,
  answers.takes_thiazide_diuretic,
  case when answers.takes_thiazide_diuretic is null then answers.takes_thiazide_diuretic_unanswered end
    as takes_thiazide_diuretic_missing,
  answers.takes_potassium_sparing_diuretic,
  case when answers.takes_potassium_sparing_diuretic is null then answers.takes_potassium_sparing_diuretic_unanswered end
    as takes_potassium_sparing_diuretic_missing,
  answers.takes_beta_agonist,
  case when answers.takes_beta_agonist is null then answers.takes_beta_agonist_unanswered end as takes_beta_agonist_missing,
  answers.takes_long_acting_beta_agonist,
  case when answers.takes_long_acting_beta_agonist is null then answers.takes_long_acting_beta_agonist_unanswered end
    as takes_long_acting_beta_agonist_missing,
  answers.takes_statin,
  case when answers.takes_statin is null then answers.takes_statin_unanswered end as takes_statin_missing,
  answers.is_sedentary,
  case when answers.is_sedentary is null then answers.activity_unanswered end as is_sedentary_missing,
  answers.activity_level,
  case when answers.activity_level is null then answers.activity_unanswered end as activity_level_missing,
  answers.sitting_minutes_per_day,
  case when answers.sitting_minutes_per_day is null then answers.sitting_unanswered end as sitting_minutes_per_day_missing,
  answers.magnesium_intake_mg,
  case when answers.magnesium_intake_mg is null then answers.magnesium_unanswered end as magnesium_intake_mg_missing,
  answers.body_mass_index_kg_m2,
  case when answers.body_mass_index_kg_m2 is null then answers.body_mass_index_unanswered end as body_mass_index_kg_m2_missing,
  answers.cramp_frequency,
  answers.cramp_frequency_unanswered as cramp_frequency_missing,
  answers.cramp_frequency <> 'never' as has_cramps,
  answers.cramp_frequency_unanswered as has_cramps_missing,
  answers.cramp_frequency in ('often', 'almost_always') as has_frequent_cramps,
  answers.cramp_frequency_unanswered as has_frequent_cramps_missing,
  answers.interview_weight,
  answers.exam_weight,
  answers.dietary_weight,
  answers.stratum,
  answers.psu,
  answers.is_synthetic
from answers
order by answers.respondent
