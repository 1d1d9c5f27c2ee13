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
        else coalesce(rx.RXDUSE_missing, rx.RXDDRUG_missing)
      end
    ) as unknown
  from raw.nhanes_demo as demo
  left join decoded.nhanes_rxq_rx as rx on rx.SEQN = demo.SEQN
  left join drug_classes on drug_classes.drug_id = rx.RXDDRGID
  group by demo.SEQN
),
-- 2005-2006 asked about the past 30 days, 2007-2008 about a typical week: both ask whether there is any
activity as (
  select
    SEQN,
    coalesce(PAD200_code, PAQ650_code) as vigorous,
    coalesce(PAD320_code, PAQ665_code) as moderate,
    coalesce(PAD200_missing, PAQ650_missing, PAD320_missing, PAQ665_missing, 'missing') as unanswered,
    case when PAD680_missing is null then PAD680 end as sitting_minutes_per_day,
    PAD680_missing as sitting_unanswered
  from decoded.nhanes_paq
),
-- adults with a reliable recalled day: the share of their dietary weight that belongs to intakes up to their own
magnesium_of_adults as (
  select
    diet.SEQN,
    diet.DR1TMAGN as intake,
    sum(diet.WTDRD1) over (order by diet.DR1TMAGN) / nullif(sum(diet.WTDRD1) over (), 0) as share_up_to
  from decoded.nhanes_dr1tot as diet
  inner join raw.nhanes_demo as demo on demo.SEQN = diet.SEQN
  where demo.RIDAGEYR >= 20 and diet.DR1DRSTZ_code = 'reliable' and diet.DR1TMAGN is not null and diet.WTDRD1 > 0
),
-- the least intake that a quarter of the adults of this cycle do not exceed
magnesium_quartile as (
  select min(intake) as upper_bound from magnesium_of_adults where share_up_to >= 0.25
)
select
  cast(demo.SEQN as varchar) as respondent_id,
  demo.RIDAGEYR as age_years,
  'missing' as age_years_missing,
  demo.RIAGENDR_code as sex,
  coalesce(demo.RIAGENDR_missing, 'missing') as sex_missing,
  demo.RIDRETH1_code as race_ethnicity,
  coalesce(demo.RIDRETH1_missing, 'missing') as race_ethnicity_missing,
  demo.RIDEXPRG_code = 'yes' as is_pregnant,
  coalesce(demo.RIDEXPRG_missing, 'not_asked') as is_pregnant_missing,
  case when medicines.diuretic = 1 then true when medicines.unknown is null then false end as takes_diuretic,
  medicines.unknown as takes_diuretic_missing,
  case when medicines.loop_diuretic = 1 then true when medicines.unknown is null then false end as takes_loop_diuretic,
  medicines.unknown as takes_loop_diuretic_missing,
  case when medicines.thiazide_diuretic = 1 then true when medicines.unknown is null then false end as takes_thiazide_diuretic,
  medicines.unknown as takes_thiazide_diuretic_missing,
  case when medicines.potassium_sparing_diuretic = 1 then true when medicines.unknown is null then false end as takes_potassium_sparing_diuretic,
  medicines.unknown as takes_potassium_sparing_diuretic_missing,
  case when medicines.beta_agonist = 1 then true when medicines.unknown is null then false end as takes_beta_agonist,
  medicines.unknown as takes_beta_agonist_missing,
  case when medicines.long_acting_beta_agonist = 1 then true when medicines.unknown is null then false end as takes_long_acting_beta_agonist,
  medicines.unknown as takes_long_acting_beta_agonist_missing,
  case when medicines.statin = 1 then true when medicines.unknown is null then false end as takes_statin,
  medicines.unknown as takes_statin_missing,
  case
    when activity.vigorous = 'yes' or activity.moderate = 'yes' then false
    when activity.vigorous in ('no', 'unable') and activity.moderate in ('no', 'unable') then true
  end as is_sedentary,
  coalesce(activity.unanswered, 'not_asked') as is_sedentary_missing,
  case
    when activity.vigorous = 'yes' then 'vigorous'
    when activity.vigorous in ('no', 'unable') and activity.moderate = 'yes' then 'moderate'
    when activity.vigorous in ('no', 'unable') and activity.moderate in ('no', 'unable') then 'none'
  end as activity_level,
  coalesce(activity.unanswered, 'not_asked') as activity_level_missing,
  activity.sitting_minutes_per_day,
  case
    when activity.SEQN is null or this_wave.wave = '2005-2006' then 'not_asked' else coalesce(activity.sitting_unanswered, 'missing')
  end as sitting_minutes_per_day_missing,
  case when diet.DR1DRSTZ_code = 'reliable' then diet.DR1TMAGN end as magnesium_intake_mg,
  case when diet.SEQN is null then 'not_asked' else 'missing' end as magnesium_intake_mg_missing,
  magnesium_of_adults.intake <= magnesium_quartile.upper_bound as is_in_lowest_magnesium_quartile,
  case when diet.SEQN is null or demo.RIDAGEYR < 20 then 'not_asked' else 'missing' end as is_in_lowest_magnesium_quartile_missing,
  biopro.LBXSCA as serum_calcium_mg_dl,
  case when biopro.SEQN is null then 'not_asked' else 'missing' end as serum_calcium_mg_dl_missing,
  biopro.LBXSKSI as serum_potassium_mmol_l,
  case when biopro.SEQN is null then 'not_asked' else 'missing' end as serum_potassium_mmol_l_missing,
  bmx.BMXBMI as body_mass_index_kg_m2,
  case when bmx.SEQN is null then 'not_asked' else 'missing' end as body_mass_index_kg_m2_missing,
  slq.SLQ160_code as cramp_frequency,
  case when slq.SEQN is null then 'not_asked' else coalesce(slq.SLQ160_missing, 'missing') end as cramp_frequency_missing,
  demo.WTINT2YR as interview_weight,
  demo.WTMEC2YR as exam_weight,
  coalesce(diet.WTDRD1, 0.0) as dietary_weight,
  demo.SDMVSTRA as stratum,
  demo.SDMVPSU as psu
from decoded.nhanes_demo as demo
cross join meta.this_wave as this_wave
cross join magnesium_quartile
left join medicines on medicines.SEQN = demo.SEQN
left join activity on activity.SEQN = demo.SEQN
left join magnesium_of_adults on magnesium_of_adults.SEQN = demo.SEQN
left join raw.nhanes_biopro as biopro on biopro.SEQN = demo.SEQN
left join raw.nhanes_bmx as bmx on bmx.SEQN = demo.SEQN
left join decoded.nhanes_dr1tot as diet on diet.SEQN = demo.SEQN
left join decoded.nhanes_slq as slq on slq.SEQN = demo.SEQN
