-- What does a column mean, and what was asked?
-- One row per table that has the column: type, unit, description, and the words of the questionnaire.
-- settings: column=age_years
select table_name, column_name, data_type, unit, is_required, description, question
from meta.columns
where column_name = coalesce(getvariable('column'), 'age_years')
order by table_name, column_name
