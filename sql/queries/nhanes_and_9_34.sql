-- What do NHANES and the planted truth say about "9.34 times more likely to be sedentary"?
-- 9.34 was planted in synthetic_case_control only; holds_9_34 says whether an interval holds it. An odds ratio lies further
-- from 1 than the prevalence ratio, the more so where the outcome is common.
select
  source, wave, outcome, model,
  round(odds_ratio, 2) as odds_ratio,
  round(odds_ratio_lower, 2) as odds_ratio_lower,
  round(odds_ratio_upper, 2) as odds_ratio_upper,
  9.34 between odds_ratio_lower and odds_ratio_upper as holds_9_34,
  round(prevalence_ratio, 2) as prevalence_ratio,
  is_synthetic
from report.odds_ratios
where exposure = 'is_sedentary' and odds_ratio is not null
order by is_synthetic, source, wave, outcome, model
