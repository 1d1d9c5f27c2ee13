-- Which rules were broken, by how many rows?
-- reject held the whole delivery back, set_aside left the records out, warn only tells; is_in_release is false for a candidate
-- that was not published.
select table_name, source, wave, rule_id, severity, status, is_in_release, n_checked, n_failed, description, detail
from meta.check_results
where status in ('failed', 'error')
order by table_name, source, wave, is_in_release, rule_id
