-- one row per published number that a source must reproduce: what was printed, what its files give, and whether that agrees
with people as (
  select
    SEQN,
    case SDDSRVYR when 4 then '2005-2006' when 5 then '2007-2008' end as wave,
    RIDAGEYR as age_years,
    case RIAGENDR when 1 then 'male' when 2 then 'female' end as sex,
    WTINT2YR as weight
  from raw.nhanes_demo
),
-- statins go by ingredient, as in core.respondents; the data brief classes products
drugs as (
  select
    RXDDRGID as drug_id,
    list_contains([
      RXDICI1A, RXDICI1B, RXDICI1C, RXDICI2A, RXDICI2B, RXDICI2C, RXDICI3A, RXDICI3B, RXDICI3C,
      RXDICI4A, RXDICI4B, RXDICI4C, RXDICI5A, RXDICI5B, RXDICI5C, RXDICI6A, RXDICI6B, RXDICI6C
    ], 173) as is_statin,
    [
      RXDDCI1A, RXDDCI1B, RXDDCI1C, RXDDCI2A, RXDDCI2B, RXDDCI2C, RXDDCI3A, RXDDCI3B, RXDDCI3C, RXDDCI4A, RXDDCI4B, RXDDCI4C
    ] as classes
  from raw.nhanes_rxq_drug
),
medicines as (
  select
    rx.SEQN,
    max(rx.RXDUSE) as uses,
    max(rx.RXDCOUNT) as n_drugs,
    coalesce(bool_or(drugs.is_statin), false) as has_statin,
    coalesce(bool_or(list_contains(drugs.classes, 125)), false) as has_bronchodilator,
    coalesce(bool_or(list_contains(drugs.classes, 71)), false) as has_stimulant,
    coalesce(bool_or(list_contains(drugs.classes, 249)), false) as has_antidepressant,
    coalesce(bool_or(list_contains(drugs.classes, 19)), false) as has_lipid_drug
  from raw.nhanes_rxq_rx as rx
  left join drugs on drugs.drug_id = rx.RXDDRGID
  group by rx.SEQN
),
-- half-open ages
shares(number_id, wave, lower_age, upper_age, sex, what) as (
  values
    ('gu2010_any_under_12', '2007-2008', 0, 12, null, 'any'),
    ('gu2010_any_12_19', '2007-2008', 12, 20, null, 'any'),
    ('gu2010_any_20_59', '2007-2008', 20, 60, null, 'any'),
    ('gu2010_any_60', '2007-2008', 60, 200, null, 'any'),
    ('gu2010_two_60', '2007-2008', 60, 200, null, 'two'),
    ('gu2010_five_60', '2007-2008', 60, 200, null, 'five'),
    ('gu2010_five_under_12', '2007-2008', 0, 12, null, 'five'),
    ('gu2010_bronchodilator_under_12', '2007-2008', 0, 12, null, 'bronchodilator'),
    ('gu2010_stimulant_12_19', '2007-2008', 12, 20, null, 'stimulant'),
    ('gu2010_antidepressant_20_59', '2007-2008', 20, 60, null, 'antidepressant'),
    ('gu2010_lipid_60', '2007-2008', 60, 200, null, 'lipid drug'),
    ('hus2010_statin_45', null, 45, 200, null, 'statin'),
    ('hus2010_statin_men_65_74', null, 65, 75, 'male', 'statin'),
    ('hus2010_statin_women_65_74', null, 65, 75, 'female', 'statin'),
    ('hus2010_statin_women_75', null, 75, 200, 'female', 'statin')
),
counted as (
  select
    shares.number_id,
    people.weight,
    case shares.what
      when 'any' then medicines.uses = 1
      when 'two' then medicines.uses = 1 and medicines.n_drugs >= 2
      when 'five' then medicines.uses = 1 and medicines.n_drugs >= 5
      when 'bronchodilator' then medicines.has_bronchodilator
      when 'stimulant' then medicines.has_stimulant
      when 'antidepressant' then medicines.has_antidepressant
      when 'lipid drug' then medicines.has_lipid_drug
      when 'statin' then medicines.has_statin
    end as is_so
  from shares
  inner join people
    on people.age_years >= shares.lower_age
    and people.age_years < shares.upper_age
    and coalesce(people.wave = shares.wave, true)
    and coalesce(people.sex = shares.sex, true)
  inner join medicines on medicines.SEQN = people.SEQN
  where medicines.uses in (1, 2)
),
cramps as (
  select
    wave,
    sum(case outcome when 'has_cramps' then prevalence else -prevalence end) as mild,
    sum(case outcome when 'has_frequent_cramps' then prevalence end) as frequent
  from report.prevalence_by_age_band
  where population = 'adults_20_plus' and age_band = 'all' and outcome in ('has_cramps', 'has_frequent_cramps')
  group by wave
),
answers as (
  select people.wave, slq.SLQ160 as code, count(*) as n
  from raw.nhanes_slq as slq
  inner join people on people.SEQN = slq.SEQN
  group by people.wave, slq.SLQ160
),
ours as (
  select
    number_id,
    100 * cast(sum(case when is_so then cast(weight as decimal(38, 6)) else 0 end) as double)
    / nullif(cast(sum(cast(weight as decimal(38, 6))) as double), 0) as ours
  from counted
  group by number_id
  union all
  select 'grandner2017_mild_' || replace(wave, '-', '_') as number_id, 100 * mild as ours
  from cramps
  union all
  select 'grandner2017_frequent_' || replace(wave, '-', '_') as number_id, 100 * frequent as ours
  from cramps
  union all
  select 'codebook_' || left(wave, 4) || '_slq160_' || cast(cast(round(code) as integer) as varchar) as number_id, n as ours
  from answers
)
select
  numbers.source,
  numbers.number_id,
  numbers.study,
  numbers.citation,
  numbers.statement,
  numbers.wave,
  numbers.population,
  numbers.ours_is,
  numbers.unit,
  numbers.printed,
  ours.ours,
  numbers.tolerance,
  numbers.tolerance_reason,
  coalesce(abs(ours.ours - numbers.printed) <= numbers.tolerance + 1e-9, false) as is_reproduced,
  numbers.where_in_source,
  numbers.verified,
  numbers.verified_on,
  numbers.source_url,
  false as is_synthetic
from evidence.published_numbers as numbers
left join ours on ours.number_id = numbers.number_id
-- a number is of a wave that was delivered, or of all of them
where numbers.wave in (select wave from people)
  or (numbers.wave = 'pooled' and (select count(distinct wave) from people) = 2)
order by numbers.number_id
