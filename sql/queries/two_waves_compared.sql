-- Did the prevalence of leg cramps change from one wave to the next?
-- difference is later less earlier (0-1), with a 95 % interval by the normal approximation for two independent samples;
-- comparability says whether the outcome means the same in both.
with waves as (
  select source, wave, population, outcome, age_band, prevalence, prevalence_se
  from report.prevalence_by_age_band
  where wave <> 'pooled'
),
changes as (
  select
    source, population, outcome, age_band,
    earlier.wave as earlier_wave,
    later.wave as later_wave,
    earlier.prevalence as earlier_prevalence,
    later.prevalence as later_prevalence,
    later.prevalence - earlier.prevalence as difference,
    1.959964 * sqrt(earlier.prevalence_se ** 2 + later.prevalence_se ** 2) as margin
  from waves as earlier
  inner join waves as later using (source, population, outcome, age_band)
  where earlier.wave < later.wave
)
select
  changes.source, changes.earlier_wave, changes.later_wave, changes.population, changes.outcome, changes.age_band,
  round(changes.earlier_prevalence, 3) as earlier_prevalence,
  round(changes.later_prevalence, 3) as later_prevalence,
  round(changes.difference, 3) as difference,
  round(changes.difference - changes.margin, 3) as difference_lower,
  round(changes.difference + changes.margin, 3) as difference_upper,
  judged.verdict as comparability
from changes
left join meta.comparability as judged
  on judged.source = changes.source
  and judged.variable = changes.outcome
  and judged.wave in (changes.earlier_wave, changes.later_wave)
  and judged.other_wave in (changes.earlier_wave, changes.later_wave)
order by
  changes.source, changes.earlier_wave, changes.later_wave, changes.population, changes.outcome, changes.age_band
