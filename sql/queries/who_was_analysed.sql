-- How many people were received, left out and analysed, and why?
-- The numbers of a STROBE flow diagram: n_received is the sum of n_set_aside, n_out_of_scope, n_missing and n_analysed; of
-- n_missing, the columns after it say why there is no answer.
select
  source, wave, population, outcome, n_received, n_set_aside, n_out_of_scope, n_missing, n_not_asked, n_refused, n_dont_know,
  n_no_value, n_not_in_component, n_in_incomplete_sets, n_without_matched_set, n_analysed, reason
from report.respondent_flow
order by source, wave, population, outcome
