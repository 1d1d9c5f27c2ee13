-- one row per population whose age bands hold other respondents than the whole; a population that is not split has no bands
with counts as (
  select
    source, wave, population, outcome,
    sum(case when age_band = 'all' then n_respondents else 0 end) as n_whole,
    sum(case when age_band <> 'all' then n_respondents else 0 end) as n_bands
  from report.prevalence_by_age_band
  where population in (select population from report.prevalence_by_age_band where age_band <> 'all')
  group by source, wave, population, outcome
)
select source, wave, population, outcome, n_whole, n_bands
from counts
where n_whole <> n_bands
