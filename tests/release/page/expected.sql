-- What each table of the page must say, written as SQL on the release's own tables: (table, group, name, cells from left to right).
-- {level} is the confidence level in per cent.
create macro percent(x) as coalesce(printf('%.1f', 100 * x), '–');
create macro number(x) as coalesce(format('{:,}', x), '–');
create macro ratio(x) as coalesce(printf('%.2f', x), '–');
create macro p_value(p) as case when p is null then '–' when p < 0.001 then '<0.001' else printf('%.3f', p) end;
create macro percent_ci(x, l, u) as case when x is null then '–' else percent(x) || ' (' || percent(l) || ' to ' || percent(u) || ')' end;
create macro ratio_ci(x, l, u) as
  case when x is null then '–' else ratio(x) || ' (' || ratio(l) || ' to ' || coalesce(printf('%.2f', u), '∞') || ')' end;
create macro of_all(cases, others) as coalesce(format('{:,}/{:,}', cases, cases + others), '–');

-- what the codes of the respondents mean: in the words of each source's codebook, and of activity in those of the contract
create view words as
select source, column_name, code, arg_min(meaning, position) as meaning
from meta.codes
join (
  values
    ('nhanes', 'sex', 'raw.nhanes_demo', 'RIAGENDR'),
    ('nhanes', 'race_ethnicity', 'raw.nhanes_demo', 'RIDRETH1'),
    ('synthetic_survey', 'sex', 'raw.synthetic_survey_respondents', 'sex'),
    ('synthetic_survey', 'race_ethnicity', 'raw.synthetic_survey_respondents', 'ethnicity'),
    ('synthetic_case_control', 'sex', 'raw.synthetic_case_control_participants', 'sex')
) as made_of (source, column_name, table_name, variable) using (table_name, variable)
where kind_of_missing is null
group by all
union all
select source, 'activity_level', code, meaning
from meta.sources, (values ('none', 'None'), ('moderate', 'Moderate'), ('vigorous', 'Vigorous')) as activity (code, meaning);
create macro said(src, col, level) as
  coalesce((select meaning from words where words.source = src and column_name = col and code = level), level);

create view expected as
select
  'flow-' || source as table_name,
  population_label as name,
  list_concat(
    [wave, number(n_received), number(n_set_aside), number(n_out_of_scope), number(n_missing), number(n_analysed)],
    if(weight is null, [], [regexp_replace(weight, '_weight$', '')])
  ) as cells
from report.respondent_flow join populations using (population)

union all

select
  'characteristics-' || source || '-' || outcome || '-' || population,
  case level when 'true' then 'yes' when 'false' then 'no' else said(source, characteristic, level) end,
  list_concat([
    number(n_cases),
    case
      when share_of_cases is not null and share_of_cases_se is null then percent(share_of_cases)
      when share_of_cases is not null then percent(share_of_cases) || ' (' || percent(share_of_cases_se) || ')'
      else coalesce(format('{:,.1f} ({:,.1f})', mean_of_cases, sd_of_cases), '–')
    end,
    number(n_noncases),
    case
      when share_of_noncases is not null and share_of_noncases_se is null then percent(share_of_noncases)
      when share_of_noncases is not null then percent(share_of_noncases) || ' (' || percent(share_of_noncases_se) || ')'
      else coalesce(format('{:,.1f} ({:,.1f})', mean_of_noncases, sd_of_noncases), '–')
    end,
    case when level = first_level then number(n_missing) else '' end,
    case when level = first_level then p_value(p_value) else '' end
  ], if(weight is null, [], [regexp_replace(weight, '_weight$', '')]))
from (
  select
    *,
    min(level) over (partition by source, wave, population, outcome, characteristic) as first_level,
    bool_or(is_latest and says_something) over of_characteristic as is_told,
    bool_or(wave <> 'pooled' and says_something) over of_characteristic as is_told_of_a_wave
  from (
    select
      *,
      coalesce(n_cases, share_of_cases, mean_of_cases) is not null as says_something,
      wave = max_by(wave, (wave = 'pooled', wave)) over (partition by source) as is_latest
    from report.characteristics_by_outcome
  )
  window of_characteristic as (partition by source, population, outcome, characteristic)
)
where if(is_told or not is_told_of_a_wave, is_latest, wave <> 'pooled' and says_something)

union all

select
  'prevalence-' || source || '-' || outcome,
  if(age_band = 'all', population_label, age_band),
  flatten(list(
    [number(n_respondents), number(n_cases), percent_ci(prevalence, prevalence_lower, prevalence_upper)]
    order by wave = 'pooled', wave
  ))
from report.prevalence_by_age_band join populations using (population)
group by source, outcome, population, population_label, age_band

union all

select
  'standardised-' || source,
  if(sex = 'all', 'both', said(source, 'sex', sex)),
  list(percent_ci(prevalence, prevalence_lower, prevalence_upper) order by wave = 'pooled', wave)
from report.prevalence_age_standardised
group by source, outcome, population, sex

union all

select
  'odds-ratios-' || source || '-' || outcome || '-' || population || '-' || model || '-' || wave
    || coalesce('-' || replace(hypotheses, ' ', '-'), ''),
  exposure_label || if(
    exposure_level = 'true', '',
    ': ' || said(source, exposure, exposure_level) || coalesce(' / ' || said(source, exposure, reference_level), '')
  ),
  [
    of_all(exposed_cases, exposed_noncases),
    of_all(unexposed_cases, unexposed_noncases),
    ratio_ci(odds_ratio, odds_ratio_lower, odds_ratio_upper),
    p_value(p_value),
    p_value(p_value_adjusted),
    ratio_ci(prevalence_ratio, prevalence_ratio_lower, prevalence_ratio_upper),
    if(e_value is null, ratio(null), ratio(e_value) || ' (' || ratio(e_value_limit) || ')')
  ]
from (
  select *, bool_or(wave = 'pooled' and odds_ratio is not null) over (partition by source, population, outcome, exposure) as is_pooled
  from report.odds_ratios
) join exposures using (exposure)
where model = 'matched' or (wave = 'pooled') = is_pooled

union all

select
  'quality',
  title || if(d.is_synthetic, ' (synthetic)', '') || ', ' || wave,
  [
    if(verdict = 'absent', 'nothing delivered', verdict) || if(is_stale, ', stale', ''),
    number(n_rows),
    number(n_rejected_rows),
    number((select count(*) from meta.check_results r where r.source = d.source and r.wave = d.wave and status = 'passed')),
    number((select count(*) from meta.check_results r where r.source = d.source and r.wave = d.wave and status in ('failed', 'error')))
  ]
from meta.deliveries d join meta.sources using (source)

union all

select
  'planted-' || source,
  null,
  [
    if(measure = 'prevalence', percent(planted), ratio(planted)),
    if(measure = 'prevalence', percent_ci(estimate, estimate_lower, estimate_upper), ratio_ci(estimate, estimate_lower, estimate_upper)),
    if(is_covered, 'yes', 'no')
  ]
from report.planted_truth
where estimate is not null

union all

select
  'comparability-' || source,
  label,
  [
    wave || ', ' || other_wave,
    replace(verdict, '_', ' '),
    concat(reason, '; pooled only where ' || replace(condition, 'age_years', '“Age, years”'))
  ]
from meta.comparability join labels on variable = labels.name
where verdict <> 'identical' and source in (select source from report.respondent_flow);
