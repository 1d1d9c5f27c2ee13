-- How many respondents were left out of the prevalence of leg cramps, and why?
-- One row per reason: answered is who was counted; n_16_and_older is the same among the people that the question is about; a
-- record set aside broke a rule, see records_set_aside.
with answers as (
  select
    source, wave,
    coalesce(has_cramps_missing, 'answered') as reason,
    count(*) as n_records,
    sum(case when age_years >= 16 then 1 else 0 end) as n_16_and_older
  from core.respondents
  group by source, wave, reason
),
set_aside as (
  select source, wave, 'record set aside' as reason, count(*) as n_records, null as n_16_and_older
  from (select distinct source, wave, table_name, row_number from meta.rejected_rows) as records
  group by source, wave
)
select source, wave, reason, n_records, n_16_and_older from answers
union all
select source, wave, reason, n_records, n_16_and_older from set_aside
order by source, wave, reason
