-- How much of each association goes away when age, sex and ethnicity are held constant?
-- adjusted_over_crude below 1: part of the crude association was due to the adjustment variables; above 1: they hid part of it.
with models as (
  select source, wave, population, outcome, exposure, exposure_level, model, adjusted_for, odds_ratio
  from report.odds_ratios
  where odds_ratio is not null
)
select
  source, wave, population, outcome, exposure, exposure_level,
  round(crude.odds_ratio, 2) as crude_odds_ratio,
  round(adjusted.odds_ratio, 2) as adjusted_odds_ratio,
  round(adjusted.odds_ratio / crude.odds_ratio, 2) as adjusted_over_crude,
  adjusted.adjusted_for
from models as crude
inner join models as adjusted using (source, wave, population, outcome, exposure, exposure_level)
where crude.model = 'crude' and adjusted.model = 'adjusted'
order by source, wave, population, outcome, exposure, exposure_level
