-- Does the pipeline find again what was planted in the synthetic sources?
-- One row per source, wave, measure and model: of 100 planted values about as many should lie inside their intervals as
-- the confidence_level of study.yaml says, 95 at 0.95.
select
  source, wave, measure, model,
  count(*) as n_planted,
  count(is_covered) as n_estimated,
  sum(case when is_covered then 1 else 0 end) as n_covered,
  round(sum(case when is_covered then 1 else 0 end) / nullif(count(is_covered), 0), 3) as share_covered
from report.planted_truth
group by source, wave, measure, model
order by source, wave, measure, model
