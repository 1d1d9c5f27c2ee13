-- one row per person
select
  t.source,
  t.wave,
  cast(p.id as varchar) as respondent_id,
  p.age as age_years,
  case when p.age is null then 'missing' end as age_years_missing,
  case p.sex when 1 then 'male' when 2 then 'female' end as sex,
  case when p.sex is null then 'missing' end as sex_missing,
  'other' as race_ethnicity,
  cast(null as varchar) as race_ethnicity_missing,
  p.y = 1 as has_cramps,
  case when p.y is null then 'missing' end as has_cramps_missing,
  p.yf = 1 as has_frequent_cramps,
  case when p.yf is null then 'missing' end as has_frequent_cramps_missing,
  p.x = 1 as is_sedentary,
  case when p.x is null then 'missing' end as is_sedentary_missing,
  p.w as interview_weight,
  p.st as stratum,
  p.ps as psu,
  t.is_synthetic
from raw.panel_people as p
cross join meta.this_wave as t
order by p.id
