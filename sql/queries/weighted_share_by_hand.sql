-- Does a weighted share, counted by hand from the respondents, equal the report?
-- An example of working on core.respondents: the weights of people with cramps over those of all who answered; difference must be
-- 0 but for rounding. Intervals need strata and PSUs too.
with by_hand as (
  select
    source, wave, age_band,
    count(*) as n_respondents,
    sum(case when has_cramps then interview_weight else 0 end) / nullif(sum(interview_weight), 0) as weighted_share
  from core.respondents
  where has_cramps is not null and age_years >= 16 and interview_weight > 0
  group by source, wave, age_band
)
select
  source, wave, age_band, by_hand.n_respondents,
  round(by_hand.weighted_share, 3) as weighted_share,
  round(report.prevalence, 3) as prevalence,
  by_hand.weighted_share - report.prevalence as difference
from by_hand
inner join report.prevalence_by_age_band as report using (source, wave, age_band)
where report.population = 'everyone_asked' and report.outcome = 'has_cramps'
order by source, wave, age_band
