-- Which exposure has the largest adjusted odds ratio?
-- position 1 is the largest within its source, wave and outcome; an interval that holds 1 is compatible with no association, and
-- p_value_adjusted allows for the p_value_family_size tests of its family: those of one source, wave, population and outcome.
select
  source, wave, population, outcome,
  rank() over (partition by source, wave, population, outcome order by odds_ratio desc) as position,
  exposure, exposure_level, reference_level,
  round(odds_ratio, 2) as odds_ratio,
  round(odds_ratio_lower, 2) as odds_ratio_lower,
  round(odds_ratio_upper, 2) as odds_ratio_upper,
  p_value_adjusted, p_value_family_size
from report.odds_ratios
where model = 'adjusted' and odds_ratio is not null
order by source, wave, population, outcome, position, exposure, exposure_level
