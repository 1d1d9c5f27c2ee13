-- In which tables is there something about a subject?
-- One row per column whose name, description or question holds the word, in capital letters or not.
-- settings: word=weight
select table_name, column_name, unit, description, question
from meta.columns
where contains(
  lower(concat_ws(' ', column_name, description, question)),
  lower(coalesce(getvariable('word'), 'weight'))
)
order by table_name, position
