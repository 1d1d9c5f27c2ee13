-- one row per ratio outside its own interval
select source, wave, index_class, window_days
from report.sequence_ratios
where
  (sequence_ratio is not null and not sequence_ratio between sequence_ratio_lower and sequence_ratio_upper)
  or (adjusted_ratio is not null and not adjusted_ratio between adjusted_ratio_lower and adjusted_ratio_upper)
