-- Which codes does a delivered variable have, and what do they mean?
-- received is the value in the delivery, code the one used here; where kind_of_missing says why there is no answer, the value is
-- no answer.
-- settings: column=SLQ160
select table_name, column_name, received, code, meaning, kind_of_missing
from meta.codes
where column_name = coalesce(getvariable('column'), 'SLQ160')
order by table_name, column_name, position
