-- one row per participant of one wave of the synthetic case-control source
with answers as (
  select
    this_wave.source,
    this_wave.wave,
    this_wave.is_synthetic,
    people.participant,
    people.pair,
    people.age,
    sex.code as sex,
    loop_diuretic.code = 'yes' as takes_loop_diuretic,
    thiazide_diuretic.code = 'yes' as takes_thiazide_diuretic,
    potassium_sparing_diuretic.code = 'yes' as takes_potassium_sparing_diuretic,
    beta_agonist.code = 'yes' as takes_beta_agonist,
    long_acting_beta_agonist.code = 'yes' as takes_long_acting_beta_agonist,
    statin.code = 'yes' as takes_statin,
    case when sedentary.kind_of_missing is null then sedentary.code = 'yes' end as is_sedentary,
    coalesce(sedentary.kind_of_missing, 'missing') as is_sedentary_unanswered,
    night_cramps.code = 'yes' as is_case
  from raw.synthetic_case_control_participants as people
  cross join meta.this_wave as this_wave
  left join codebook.synthetic_case_control_participants as sex on sex.variable = 'sex' and sex.received = cast(people.sex as varchar)
  left join codebook.synthetic_case_control_participants as loop_diuretic
    on loop_diuretic.variable = 'loop_diuretic' and loop_diuretic.received = cast(people.loop_diuretic as varchar)
  left join codebook.synthetic_case_control_participants as thiazide_diuretic
    on thiazide_diuretic.variable = 'thiazide_diuretic' and thiazide_diuretic.received = cast(people.thiazide_diuretic as varchar)
  left join codebook.synthetic_case_control_participants as potassium_sparing_diuretic
    on potassium_sparing_diuretic.variable = 'potassium_sparing_diuretic'
    and potassium_sparing_diuretic.received = cast(people.potassium_sparing_diuretic as varchar)
  left join codebook.synthetic_case_control_participants as beta_agonist
    on beta_agonist.variable = 'beta_agonist' and beta_agonist.received = cast(people.beta_agonist as varchar)
  left join codebook.synthetic_case_control_participants as long_acting_beta_agonist
    on long_acting_beta_agonist.variable = 'long_acting_beta_agonist'
    and long_acting_beta_agonist.received = cast(people.long_acting_beta_agonist as varchar)
  left join codebook.synthetic_case_control_participants as statin
    on statin.variable = 'statin' and statin.received = cast(people.statin as varchar)
  left join codebook.synthetic_case_control_participants as sedentary
    on sedentary.variable = 'sedentary' and sedentary.received = cast(people.sedentary as varchar)
  left join codebook.synthetic_case_control_participants as night_cramps
    on night_cramps.variable = 'night_cramps' and night_cramps.received = cast(people.night_cramps as varchar)
)
select
  answers.source,
  answers.wave,
  cast(answers.participant as varchar) as respondent_id,
  answers.age as age_years,
  cast(null as varchar) as age_years_missing,
  answers.sex,
  cast(null as varchar) as sex_missing,
  answers.takes_loop_diuretic or answers.takes_thiazide_diuretic or answers.takes_potassium_sparing_diuretic as takes_diuretic,
  cast(null as varchar) as takes_diuretic_missing,
  answers.takes_loop_diuretic,
  cast(null as varchar) as takes_loop_diuretic_missing,
  answers.takes_thiazide_diuretic,
  cast(null as varchar) as takes_thiazide_diuretic_missing,
  answers.takes_potassium_sparing_diuretic,
  cast(null as varchar) as takes_potassium_sparing_diuretic_missing,
  answers.takes_beta_agonist,
  cast(null as varchar) as takes_beta_agonist_missing,
  answers.takes_long_acting_beta_agonist,
  cast(null as varchar) as takes_long_acting_beta_agonist_missing,
  answers.takes_statin,
  cast(null as varchar) as takes_statin_missing,
  answers.is_sedentary,
  case when answers.is_sedentary is null then answers.is_sedentary_unanswered end as is_sedentary_missing,
  answers.is_case as has_cramps,
  cast(null as varchar) as has_cramps_missing,
  cast(answers.pair as varchar) as matched_set,
  answers.is_case,
  answers.is_synthetic
from answers
order by answers.participant
