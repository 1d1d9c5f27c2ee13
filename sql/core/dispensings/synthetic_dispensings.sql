-- one row per dispensing of one wave of the synthetic register
select
  cast(person as varchar) as person_id,
  dispensed_on as event_date,
  atc_code,
  year(dispensed_on) - birth_year as age_years,
  'missing' as age_years_missing,
  sex,
  'missing' as sex_missing
from raw.synthetic_dispensings_records
