-- Which codes does a delivered variable have, and what do they mean?
-- received is the value in the delivery, code the one used here; where kind_of_missing says why there is no answer, the value is
-- no answer.
-- settings: variable=SLQ160
select table_name, variable, received, code, meaning, kind_of_missing
from meta.codes
where variable = coalesce(getvariable('variable'), 'SLQ160')
order by table_name, variable, position
