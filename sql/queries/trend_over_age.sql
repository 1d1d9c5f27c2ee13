-- Does an outcome become more common with age?
-- odds_ratio is for one age band more, and below 1 where it becomes less common; association_p_value asks whether the bands
-- differ at all, in whatever way.
select
  source, wave, population, outcome, variable, n_levels,
  round(odds_ratio, 3) as odds_ratio,
  round(odds_ratio_lower, 3) as odds_ratio_lower,
  round(odds_ratio_upper, 3) as odds_ratio_upper,
  p_value, association_p_value
from report.trends
order by source, wave, population, outcome, variable
