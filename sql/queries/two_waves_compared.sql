-- Did the prevalence of an outcome change from one wave to the next?
-- difference is later less earlier (0-1), with an interval at confidence_level by the normal approximation for two independent
-- samples; comparability says whether the outcome means the same in both, and condition in whom alone.
with tails as (
  select
    source, wave, population, outcome, age_band, confidence_level, prevalence, prevalence_se,
    0.180625 - confidence_level * confidence_level / 4 as near,
    sqrt(-ln((1 - confidence_level) / 2)) - 1.6 as far
  from report.prevalence_by_age_band
  where wave <> 'pooled'
),
waves as (
  select
    source, wave, population, outcome, age_band, confidence_level, prevalence, prevalence_se,
    -- the normal quantile at (1 + confidence_level) / 2: Wichura 1988, AS 241, PPND7, to seven digits
    case
      when confidence_level <= 0.85
        then confidence_level / 2
          * (((59.109374720 * near + 159.29113202) * near + 50.434271938) * near + 3.3871327179)
          / nullif(((67.187563600 * near + 78.757757664) * near + 17.895169469) * near + 1.0, 0)
      else
        (((0.17023821103 * far + 1.3067284816) * far + 2.7568153900) * far + 1.4234372777)
        / nullif((0.12021132975 * far + 0.73700164250) * far + 1.0, 0)
    end as quantile
  from tails
),
changes as (
  select
    source, population, outcome, age_band,
    earlier.wave as earlier_wave,
    later.wave as later_wave,
    earlier.prevalence as earlier_prevalence,
    later.prevalence as later_prevalence,
    later.prevalence - earlier.prevalence as difference,
    earlier.confidence_level,
    earlier.quantile * sqrt(earlier.prevalence_se ** 2 + later.prevalence_se ** 2) as margin
  from waves as earlier
  inner join waves as later using (source, population, outcome, age_band)
  where earlier.wave < later.wave
)
select
  changes.source, changes.earlier_wave, changes.later_wave, changes.population, changes.outcome, changes.age_band,
  round(changes.earlier_prevalence, 3) as earlier_prevalence,
  round(changes.later_prevalence, 3) as later_prevalence,
  changes.confidence_level,
  round(changes.difference, 3) as difference,
  round(changes.difference - changes.margin, 3) as difference_lower,
  round(changes.difference + changes.margin, 3) as difference_upper,
  judged.verdict as comparability,
  judged.condition
from changes
left join meta.comparability as judged
  on judged.source = changes.source
  and judged.variable = changes.outcome
  and judged.wave in (changes.earlier_wave, changes.later_wave)
  and judged.other_wave in (changes.earlier_wave, changes.later_wave)
order by
  changes.source, changes.earlier_wave, changes.later_wave, changes.population, changes.outcome, changes.age_band
