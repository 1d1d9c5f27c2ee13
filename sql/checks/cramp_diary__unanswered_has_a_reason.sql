-- one row per day of which an answer and its reason contradict each other; a day without cramps has neither severity nor trigger
with judged as (
  select
    person_id,
    event_date,
    concat_ws(
      ', ',
      case when (cramps is null) = (cramps_missing is null) then 'cramps' end,
      case when cramps > 0 and (severity is null) = (severity_missing is null) then 'severity' end,
      case when cramps > 0 and (trigger is null) = (trigger_missing is null) then 'trigger' end,
      case when cramps = 0 and (severity is not null or severity_missing is not null) then 'severity without cramps' end,
      case when cramps = 0 and (trigger is not null or trigger_missing is not null) then 'trigger without cramps' end
    ) as variables
  from core.cramp_diary
)
select person_id, event_date, variables
from judged
where variables <> ''
order by person_id, event_date
