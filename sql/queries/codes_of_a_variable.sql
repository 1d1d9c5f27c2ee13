-- Which codes does a delivered variable have, and what do they mean?
-- received is the value in the delivery, code the one used here; where kind_of_missing says why there is no answer, the value is
-- no answer; all is every variable.
-- settings: variable=all
select table_name, variable, received, code, meaning, kind_of_missing
from meta.codes
where coalesce(getvariable('variable'), 'all') in ('all', variable)
order by table_name, variable, position
