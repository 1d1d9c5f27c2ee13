-- one row per participant of one NHANES cycle
-- Drug classes go by ingredient (RXDICI*), not by the product's own class (RXDDCI*), which files combinations elsewhere.
with ingredient_categories as (
  select
    RXDDRGID as drug_id,
    unnest([
      RXDICI1A, RXDICI1B, RXDICI1C, RXDICI2A, RXDICI2B, RXDICI2C, RXDICI3A, RXDICI3B, RXDICI3C,
      RXDICI4A, RXDICI4B, RXDICI4C, RXDICI5A, RXDICI5B, RXDICI5C, RXDICI6A, RXDICI6B, RXDICI6C
    ]) as category
  from raw.nhanes_rxq_drug
),
drug_classes as (
  select
    drug_id,
    max(case when category = 49 then 1 else 0 end) as diuretic,
    max(case when category = 154 then 1 else 0 end) as loop_diuretic,
    max(case when category = 156 then 1 else 0 end) as thiazide_diuretic,
    max(case when category = 155 then 1 else 0 end) as potassium_sparing_diuretic,
    max(case when category = 180 then 1 else 0 end) as beta_agonist,
    max(case when category = 173 then 1 else 0 end) as statin
  from ingredient_categories
  group by drug_id
),
-- a person with an unknown drug is unknown for a class, unless another of their drugs is in it
medicines as (
  select
    demo.SEQN,
    max(drug_classes.diuretic) as diuretic,
    max(drug_classes.loop_diuretic) as loop_diuretic,
    max(drug_classes.thiazide_diuretic) as thiazide_diuretic,
    max(drug_classes.potassium_sparing_diuretic) as potassium_sparing_diuretic,
    max(drug_classes.beta_agonist) as beta_agonist,
    -- arformoterol ends in formoterol
    max(case when rx.RXDDRUG like '%SALMETEROL%' or rx.RXDDRUG like '%FORMOTEROL%' then 1 else 0 end) as long_acting_beta_agonist,
    max(drug_classes.statin) as statin,
    min(
      case
        when rx.SEQN is null then 'not_asked'
        when rx.RXDUSE is null then 'missing'
        else coalesce(used.kind_of_missing, drug.kind_of_missing)
      end
    ) as unknown
  from raw.nhanes_demo as demo
  left join raw.nhanes_rxq_rx as rx on rx.SEQN = demo.SEQN
  left join drug_classes on drug_classes.drug_id = rx.RXDDRGID
  left join codebook.nhanes_rxq_rx as used on used.variable = 'RXDUSE' and used.received = cast(rx.RXDUSE as varchar)
  left join codebook.nhanes_rxq_rx as drug on drug.variable = 'RXDDRUG' and drug.received = rx.RXDDRUG
  group by demo.SEQN
),
-- 2005-2006 asked about the past 30 days, 2007-2008 about a typical week: both ask whether there is any
activity as (
  select
    paq.SEQN,
    coalesce(pad200.code, paq650.code) as vigorous,
    coalesce(pad320.code, paq665.code) as moderate,
    coalesce(pad200.kind_of_missing, paq650.kind_of_missing, pad320.kind_of_missing, paq665.kind_of_missing) as unanswered,
    case when pad680.kind_of_missing is null then paq.PAD680 end as sitting_minutes_per_day,
    pad680.kind_of_missing as sitting_unanswered
  from raw.nhanes_paq as paq
  left join codebook.nhanes_paq as pad200 on pad200.variable = 'PAD200' and pad200.received = cast(paq.PAD200 as varchar)
  left join codebook.nhanes_paq as pad320 on pad320.variable = 'PAD320' and pad320.received = cast(paq.PAD320 as varchar)
  left join codebook.nhanes_paq as paq650 on paq650.variable = 'PAQ650' and paq650.received = cast(paq.PAQ650 as varchar)
  left join codebook.nhanes_paq as paq665 on paq665.variable = 'PAQ665' and paq665.received = cast(paq.PAQ665 as varchar)
  left join codebook.nhanes_paq as pad680 on pad680.variable = 'PAD680' and pad680.received = cast(paq.PAD680 as varchar)
),
answers as (
  select
    this_wave.source,
    this_wave.wave,
    this_wave.is_synthetic,
    demo.SEQN,
    demo.RIDAGEYR as age_years,
    riagendr.code as sex,
    riagendr.kind_of_missing as sex_unanswered,
    ridreth1.code as race_ethnicity,
    ridreth1.kind_of_missing as race_ethnicity_unanswered,
    case when ridexprg.kind_of_missing is null then ridexprg.code = 'yes' end as is_pregnant,
    case when demo.RIDEXPRG is null then 'not_asked' else ridexprg.kind_of_missing end as is_pregnant_unanswered,
    case when medicines.diuretic = 1 then true when medicines.unknown is null then false end as takes_diuretic,
    case when medicines.loop_diuretic = 1 then true when medicines.unknown is null then false end as takes_loop_diuretic,
    case when medicines.thiazide_diuretic = 1 then true when medicines.unknown is null then false end as takes_thiazide_diuretic,
    case when medicines.potassium_sparing_diuretic = 1 then true when medicines.unknown is null then false end
      as takes_potassium_sparing_diuretic,
    case when medicines.beta_agonist = 1 then true when medicines.unknown is null then false end as takes_beta_agonist,
    case when medicines.long_acting_beta_agonist = 1 then true when medicines.unknown is null then false end
      as takes_long_acting_beta_agonist,
    case when medicines.statin = 1 then true when medicines.unknown is null then false end as takes_statin,
    medicines.unknown as medicines_unanswered,
    case
      when activity.vigorous = 'yes' or activity.moderate = 'yes' then false
      when activity.vigorous in ('no', 'unable') and activity.moderate in ('no', 'unable') then true
    end as is_sedentary,
    case
      when activity.vigorous = 'yes' then 'vigorous'
      when activity.vigorous in ('no', 'unable') and activity.moderate = 'yes' then 'moderate'
      when activity.vigorous in ('no', 'unable') and activity.moderate in ('no', 'unable') then 'none'
    end as activity_level,
    case when activity.SEQN is null then 'not_asked' else coalesce(activity.unanswered, 'missing') end as activity_unanswered,
    activity.sitting_minutes_per_day,
    case
      when activity.SEQN is null or this_wave.wave = '2005-2006' then 'not_asked' else coalesce(activity.sitting_unanswered, 'missing')
    end as sitting_unanswered,
    case when dr1drstz.code = 'reliable' then diet.DR1TMAGN end as magnesium_intake_mg,
    case when diet.SEQN is null then 'not_asked' else 'missing' end as magnesium_unanswered,
    bmx.BMXBMI as body_mass_index_kg_m2,
    case when bmx.SEQN is null then 'not_asked' else 'missing' end as body_mass_index_unanswered,
    case when slq160.kind_of_missing is null then slq160.code end as cramp_frequency,
    case
      when slq.SEQN is null then 'not_asked' when slq.SLQ160 is null then 'missing' else slq160.kind_of_missing
    end as cramp_frequency_unanswered,
    demo.WTINT2YR as interview_weight,
    demo.WTMEC2YR as exam_weight,
    coalesce(diet.WTDRD1, 0.0) as dietary_weight,
    demo.SDMVSTRA as stratum,
    demo.SDMVPSU as psu
  from raw.nhanes_demo as demo
  cross join meta.this_wave as this_wave
  left join codebook.nhanes_demo as riagendr
    on riagendr.variable = 'RIAGENDR' and riagendr.received = cast(demo.RIAGENDR as varchar)
  left join codebook.nhanes_demo as ridreth1
    on ridreth1.variable = 'RIDRETH1' and ridreth1.received = cast(demo.RIDRETH1 as varchar)
  left join codebook.nhanes_demo as ridexprg
    on ridexprg.variable = 'RIDEXPRG' and ridexprg.received = cast(demo.RIDEXPRG as varchar)
  left join medicines on medicines.SEQN = demo.SEQN
  left join activity on activity.SEQN = demo.SEQN
  left join raw.nhanes_bmx as bmx on bmx.SEQN = demo.SEQN
  left join raw.nhanes_dr1tot as diet on diet.SEQN = demo.SEQN
  left join codebook.nhanes_dr1tot as dr1drstz
    on dr1drstz.variable = 'DR1DRSTZ' and dr1drstz.received = cast(diet.DR1DRSTZ as varchar)
  left join raw.nhanes_slq as slq on slq.SEQN = demo.SEQN
  left join codebook.nhanes_slq as slq160 on slq160.variable = 'SLQ160' and slq160.received = cast(slq.SLQ160 as varchar)
)
select
  answers.source,
  answers.wave,
  cast(answers.SEQN as varchar) as respondent_id,
  answers.age_years,
  case when answers.age_years is null then 'missing' end as age_years_missing,
  answers.sex,
  case when answers.sex is null then coalesce(answers.sex_unanswered, 'missing') end as sex_missing,
  answers.race_ethnicity,
  case when answers.race_ethnicity is null then coalesce(answers.race_ethnicity_unanswered, 'missing') end as race_ethnicity_missing,
  answers.is_pregnant,
  case when answers.is_pregnant is null then answers.is_pregnant_unanswered end as is_pregnant_missing,
  answers.takes_diuretic,
  case when answers.takes_diuretic is null then answers.medicines_unanswered end as takes_diuretic_missing,
  answers.takes_loop_diuretic,
  case when answers.takes_loop_diuretic is null then answers.medicines_unanswered end as takes_loop_diuretic_missing,
  answers.takes_thiazide_diuretic,
  case when answers.takes_thiazide_diuretic is null then answers.medicines_unanswered end as takes_thiazide_diuretic_missing,
  answers.takes_potassium_sparing_diuretic,
  case when answers.takes_potassium_sparing_diuretic is null then answers.medicines_unanswered end
    as takes_potassium_sparing_diuretic_missing,
  answers.takes_beta_agonist,
  case when answers.takes_beta_agonist is null then answers.medicines_unanswered end as takes_beta_agonist_missing,
  answers.takes_long_acting_beta_agonist,
  case when answers.takes_long_acting_beta_agonist is null then answers.medicines_unanswered end
    as takes_long_acting_beta_agonist_missing,
  answers.takes_statin,
  case when answers.takes_statin is null then answers.medicines_unanswered end as takes_statin_missing,
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
order by answers.SEQN
