-- one row per participant of one NHANES cycle
-- A statin goes by ingredient (RXDICI*, category 173), not by the product's own class (RXDDCI*), which files combinations elsewhere.
with ingredient_categories as (
  select
    RXDDRGID as drug_id,
    unnest([
      RXDICI1A, RXDICI1B, RXDICI1C, RXDICI2A, RXDICI2B, RXDICI2C, RXDICI3A, RXDICI3B, RXDICI3C,
      RXDICI4A, RXDICI4B, RXDICI4C, RXDICI5A, RXDICI5B, RXDICI5C, RXDICI6A, RXDICI6B, RXDICI6C
    ]) as category
  from raw.nhanes_rxq_drug
),
statins as (
  select distinct drug_id from ingredient_categories where category = 173
),
-- a person with an unknown drug is unknown, unless another of their drugs is a statin
medicines as (
  select
    demo.SEQN,
    max(case when statins.drug_id is not null then 1 else 0 end) as statin,
    min(
      case
        when rx.SEQN is null then 'not_asked'
        when rx.RXDUSE is null then 'missing'
        else coalesce(rx.RXDUSE_missing, rx.RXDDRUG_missing)
      end
    ) as unknown
  from raw.nhanes_demo as demo
  left join decoded.nhanes_rxq_rx as rx on rx.SEQN = demo.SEQN
  left join statins on statins.drug_id = rx.RXDDRGID
  group by demo.SEQN
)
select
  cast(demo.SEQN as varchar) as respondent_id,
  demo.RIDAGEYR as age_years,
  'missing' as age_years_missing,
  demo.RIAGENDR_code as sex,
  demo.RIAGENDR_missing as sex_missing,
  demo.RIDRETH1_code as race_ethnicity,
  coalesce(demo.RIDRETH1_missing, 'missing') as race_ethnicity_missing,
  bpq.BPQ020_code = 'yes' as has_hypertension,
  case when bpq.SEQN is null then 'not_asked' else bpq.BPQ020_missing end as has_hypertension_missing,
  -- borderline is no diagnosis
  diq.DIQ010_code = 'yes' as has_diabetes,
  case when diq.SEQN is null then 'not_asked' else diq.DIQ010_missing end as has_diabetes_missing,
  bmx.BMXBMI as body_mass_index_kg_m2,
  case when bmx.SEQN is null then 'not_asked' else 'missing' end as body_mass_index_kg_m2_missing,
  -- weight in pregnancy says nothing of obesity
  case when demo.RIDEXPRG_code is distinct from 'yes' then bmx.BMXBMI >= 30 end as is_obese,
  case when bmx.SEQN is null or demo.RIDEXPRG_code = 'yes' then 'not_asked' else 'missing' end as is_obese_missing,
  case when medicines.statin = 1 then true when medicines.unknown is null then false end as takes_statin,
  medicines.unknown as takes_statin_missing,
  demo.WTINT2YR as interview_weight,
  demo.WTMEC2YR as exam_weight,
  demo.SDMVSTRA as stratum,
  demo.SDMVPSU as psu
from decoded.nhanes_demo as demo
left join medicines on medicines.SEQN = demo.SEQN
left join decoded.nhanes_bpq as bpq on bpq.SEQN = demo.SEQN
left join decoded.nhanes_diq as diq on diq.SEQN = demo.SEQN
left join raw.nhanes_bmx as bmx on bmx.SEQN = demo.SEQN
