-- How much of each association goes away when age, sex and ethnicity are held constant?
-- moved says so: towards 1, part of the crude association was due to the adjustment variables; away from 1, they hid part of it;
-- across 1, it turned round. Of other people (n_crude, n_adjusted) some of it may be due to who is left out.
with models as (
  select
    source, wave, population, outcome, exposure, exposure_level, model, adjusted_for, odds_ratio,
    exposed_cases + exposed_noncases + unexposed_cases + unexposed_noncases as n
  from report.odds_ratios
  where odds_ratio is not null
)
select
  source, wave, population, outcome, exposure, exposure_level,
  round(crude.odds_ratio, 2) as crude_odds_ratio,
  round(adjusted.odds_ratio, 2) as adjusted_odds_ratio,
  round(adjusted.odds_ratio / nullif(crude.odds_ratio, 0), 2) as adjusted_over_crude,
  case
    when ln(crude.odds_ratio) * ln(adjusted.odds_ratio) < 0 then 'across 1'
    when abs(ln(adjusted.odds_ratio)) < abs(ln(crude.odds_ratio)) then 'towards 1'
    when abs(ln(adjusted.odds_ratio)) > abs(ln(crude.odds_ratio)) then 'away from 1'
    else 'not at all'
  end as moved,
  crude.n as n_crude,
  adjusted.n as n_adjusted,
  adjusted.adjusted_for
from models as crude
inner join models as adjusted using (source, wave, population, outcome, exposure, exposure_level)
where crude.model = 'crude' and adjusted.model = 'adjusted'
order by source, wave, population, outcome, exposure, exposure_level
