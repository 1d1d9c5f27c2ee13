-- Which records were set aside, and which rule did they break?
-- One row per record and rule; row_number is the record's place in the delivered file, from 1. What a record holds is never
-- listed.
select rejected.source, rejected.wave, rejected.table_name, rejected.row_number, rejected.rule_id, rules.description
from meta.rejected_rows as rejected
left join meta.check_results as rules
  on rules.source = rejected.source
  and rules.wave = rejected.wave
  and rules.table_name = rejected.table_name
  and rules.rule_id = rejected.rule_id
  and rules.is_in_release
order by rejected.source, rejected.wave, rejected.table_name, rejected.row_number, rejected.rule_id
