-- one row per estimate outside its own interval
select source, wave, population, outcome, age_band
from report.prevalence_by_age_band
where prevalence is not null and not prevalence between prevalence_lower and prevalence_upper
