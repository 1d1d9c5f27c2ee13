-- one row per planted sequence ratio and window of a synthetic source: what is true, what was estimated, and whether the interval holds it
select
  'synthetic_dispensings' as source,
  planted.wave,
  planted.name as index_class,
  ratios.window_days,
  planted.planted,
  ratios.sequence_ratio as estimate,
  ratios.sequence_ratio_lower as estimate_lower,
  ratios.sequence_ratio_upper as estimate_upper,
  planted.planted between ratios.sequence_ratio_lower and ratios.sequence_ratio_upper as is_covered,
  true as is_synthetic
from raw.synthetic_dispensings_planted as planted
inner join report.sequence_ratios as ratios
  on ratios.source = 'synthetic_dispensings'
  and ratios.wave = planted.wave
  and ratios.index_class = planted.name
order by planted.wave, planted.name, ratios.window_days
