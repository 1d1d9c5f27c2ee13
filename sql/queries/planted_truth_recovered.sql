-- Does the pipeline find again what was planted in the synthetic sources?
-- One row per source, wave, measure and model: of 100 planted values about 95 should lie inside their 95 % intervals.
select
  source, wave, measure, model,
  count(*) as n_planted,
  count(is_covered) as n_estimated,
  sum(case when is_covered then 1 else 0 end) as n_covered,
  round(sum(case when is_covered then 1 else 0 end) / nullif(count(is_covered), 0), 3) as share_covered
from report.planted_truth
group by source, wave, measure, model
order by source, wave, measure, model
