-- one row per synthesis that is neither pooled nor says why, or whose pooled ratio lies outside of its own intervals
select synthesis_id as named
from report.evidence_synthesis
where
  (estimate is null) = (reason is null)
  or (estimate is null) <> (n_pooled = 0)
  or (estimate is not null and not estimate between lower and upper)
  or (estimate is not null and (prediction_lower is null or not estimate between prediction_lower and prediction_upper))
