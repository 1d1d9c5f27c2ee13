-- one row per ratio outside its own interval
select source, wave, outcome, exposure, exposure_level, model
from report.odds_ratios
where
  (odds_ratio is not null and not odds_ratio between odds_ratio_lower and odds_ratio_upper)
  or (prevalence_ratio is not null and not prevalence_ratio between prevalence_ratio_lower and prevalence_ratio_upper)
