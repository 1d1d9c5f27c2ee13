"""The selects that the macros write, as parts of SQL with `{...}` where a macro puts what it was asked.

The domain is kept inside the whole design: everybody is counted into cells, and a variance is over all sampled PSUs. Formulas:
pipelines/statistics/variance.py, prevalence.py and contrast.py. Names that begin with `_` are of no column of the respondents.
"""

from pipelines.project.respondents import FOUR_CELLS
from pipelines.release.macros.protecting import OF_A_MEAN, OF_A_SHARE, OF_FOUR_CELLS, protected
from pipelines.report.verdicts import IN_ONE_CELL, SPARSE_CELL
from pipelines.statistics.collapse import LARGEST_WEIGHT, SMALLEST_WEIGHT, WEIGHT_UNITS
from pipelines.statistics.intervals import NO_DEGREES_OF_FREEDOM
from pipelines.statistics.presentation import (
    FEW_DEGREES_OF_FREEDOM,
    FEWEST_DEGREES_OF_FREEDOM,
    NARROW_INTERVAL,
    NO_KNOWN_OUTCOME,
    SMALLEST_N,
    STANDARD_LEVEL,
    TOO_FEW,
    TOO_WIDE,
    TOO_WIDE_FOR_ITS_SIZE,
    UNRELIABLE_COMPLEMENT,
    WIDEST_INTERVAL,
    WIDEST_RELATIVE_INTERVAL,
    ZERO_OR_ONE,
)

IS_USABLE = f"_weight between {SMALLEST_WEIGHT}::double and {LARGEST_WEIGHT}::double"
UNITS = f"case when {IS_USABLE} then cast(_weight * {WEIGHT_UNITS} as bigint) end"

PEOPLE = """
_people as (
  select {stratum} as _stratum, {psu} as _psu, {population} as _population, {weight} as _weight, {columns},
    case when typeof(({condition}
)) = 'BOOLEAN' then coalesce(({condition}
)::boolean, false) else error('the condition gives ' || typeof(({condition}
)) || ' where true or false is needed') end as _in
  from {respondents} where source = {source} and wave in ({waves}) {beyond}
)"""

CELLS = f"""
_counted as (
  select _stratum, _psu, _population, {{grouped}} _y, _in, count({UNITS}) as _n,
    coalesce(sum({UNITS}), 0)::double / {WEIGHT_UNITS} as _w, count(*) as _rows
  from _people group by all
),
_cells as (select *, 0 as _all from _counted)"""

MOMENTS = f"""
_counted as (
  select _stratum, _psu, _population, {{grouped}} _y is not null as _known, _in, count({UNITS}) as _n,
    coalesce(sum({UNITS}), 0)::double / {WEIGHT_UNITS} as _w,
    coalesce(sum(_weight * _y) filter ({IS_USABLE}), 0) as _wy,
    coalesce(sum(_weight * _y * _y) filter ({IS_USABLE}), 0) as _wyy, count(*) as _rows
  from _people group by all
),
_cells as (select *, 0 as _all from _counted)"""

LEVELS_OF_PREVALENCE = """
_totals as (
  select {keys}, coalesce(sum(_n) filter (_y is not null), 0) as _k, coalesce(sum(_n) filter (_y), 0) as _cases,
    coalesce(sum(_n) filter (_y is null), 0) as _missing, coalesce(sum(_w) filter (_y is not null), 0) as _weight,
    coalesce(sum(_w) filter (_y), 0) as _weight_of_cases
  from _cells where _in and _n > 0 {known} group by {keys}
),
_levels as (
  select *, case when _cases = _k then 1 else _weight_of_cases / _weight end as _p from _totals
),
_influence as (
  select {keys}, _stratum, _psu, _n, _w, (_y::int - _p) / _weight as _i
  from _cells join _levels using ({keys}) where _in and _n > 0 and _y is not null
)"""

LEVELS_OF_MEAN = """
_levels as (
  select {keys}, coalesce(sum(_n) filter (_known), 0) as _k, coalesce(sum(_n) filter (not _known), 0) as _missing,
    coalesce(sum(_w) filter (_known), 0) as _weight, sum(_wy) filter (_known) as _sum, {mean} as _mean_of_all
  from _cells where _in and _n > 0 {known} group by {keys}
)"""

ENDS = ("", "_se", "_lower", "_upper")

MEAN, TOTAL = "sum(_wy) filter (_known) / sum(_w) filter (_known)", "0"
"""What is taken off a value before it is summed: for a mean it is the mean, for a total nothing."""

# w times the influence, and w times its square, which a design without PSUs needs
SUMS_OF_MEAN = """
_influence as (
  select {keys}, _stratum, _psu, _n, (_wy - _mean_of_all * _w) / {divisor} as _z,
    (_wyy - 2 * _mean_of_all * _wy + _mean_of_all * _mean_of_all * _w) / ({divisor} * {divisor}) as _zz
  from _cells join _levels using ({keys}) where _in and _n > 0 and _known
)"""

VARIANCE_OF_PSUS = """
_frame as (
  select _stratum, _sampled, 1 - coalesce(_sampled / _in_all, 0) as _unsampled
  from (select _stratum, count(distinct _psu) as _sampled, max(_population) as _in_all from _cells group by _stratum)
),
_z as (select {keys}, _stratum, _psu, sum({z}) as _z from _influence group by {keys}, _stratum, _psu),
_sums as (select {keys}, _stratum, sum(_z) as _sum, count(*) as _psus from _z group by {keys}, _stratum),
_centres as (select {keys}, sum(_sum) / (select sum(_sampled) from _frame) as _centre from _sums group by {keys}),
_strata as (
  select * exclude (_sum, _psus), coalesce(_sums._sum, 0) / _sampled as _middle, coalesce(_psus, 0) as _psus
  from (select {keys} from _levels) cross join _frame left join _sums using ({keys}, _stratum) left join _centres using ({keys})
),
_scatter as (
  select {keys}, _stratum, sum((_z - _middle) ** 2) as _square
  from _z join _strata using ({keys}, _stratum) group by {keys}, _stratum
),
_variances as (
  select {keys}, sum(_psus)::bigint - count(*) filter (_psus > 0) as _df,
    sum(_unsampled
        * case when _sampled > 1 then _sampled / (_sampled - 1) * (coalesce(_square, 0) + (_sampled - _psus) * _middle ** 2)
               when {lonely} = 'adjust' then (_middle - _centre) ** 2 else 0 end)
    * case when {lonely} = 'average' then count(*) filter (_psus > 0)
        / nullif(count(*) filter (_psus > 0 and (_sampled > 1 or _unsampled = 0)), 0) else 1 end as _variance
  from _strata left join _scatter using ({keys}, _stratum) group by {keys}
)"""

VARIANCE_OF_PEOPLE = """
_variances as (
  select {keys}, sum(_n)::bigint - 1 as _df,
    (sum({zz}) - sum({z}) ** 2 / _all_rows) * _all_rows / nullif(_all_rows - 1, 0) as _variance
  from _influence cross join (select sum(_rows)::double as _all_rows from _cells) group by {keys}, _all_rows
)"""


NOBODY = "nobody with a weight above 0 meets the condition, or none of them has a known value of what is split by"

SOMEBODY = f"(select case when count(*) = 0 then error('{NOBODY}') else true end as _is_there from _levels)"

UNDERSTOOD = f"""
with {PEOPLE.replace("{columns}", "0 as _none")}
select {{wave}} as wave, {{weight_name}} as weight, {{least}} as least, [{{waves}}] as waves,
  count(*) filter (_in and {IS_USABLE}) as n_members from _people"""
"""What a question is taken for that another door answers, once all is refused that must be."""


def limits(at: str, level: float) -> str:
    """Columns `_lower` and `_upper` with the suffix `at`: Clopper and Pearson at the effective n, which is adjusted for the
    degrees of freedom and no more than n (Korn and Graubard 1998)."""
    tail = f"{(1 - level) / 2!r}::double"
    return f"""
_sized{at} as (
  select *, case when _df > 0 then least(_k::double, _effective * case when _p in (0, 1) then 1
    else (ask._t(_k - 1, {level!r}) / ask._t(_df, {level!r})) ** 2 end) end as _size from {{before}}
),
_shaped{at} as (
  select *, nullif(_p * _size, 0) as _a, _size - _p * _size + 1 as _b, nullif(_size - _p * _size, 0) as _c, _p * _size + 1 as _d
  from _sized{at}
),
_limited{at} as (
  select * exclude (_size, _a, _b, _c, _d, _ab, _cd), case when _size is null then null when _p = 0 then 0
      else ask._beta_quantile(_a, _b, _ab, {tail}) end as _lower{at},
    case when _size is null then null when _p = 1 then 1 else 1 - ask._beta_quantile(_c, _d, _cd, {tail}) end as _upper{at}
  from (select *, ask._log_beta(_a, _b) as _ab, ask._log_beta(_c, _d) as _cd from _shaped{at})
)"""


ERRORS = """
_errors as (
  select *, case when _k > 0 then sqrt(greatest(_variance, 0)) end as _se,
    case when _k = 0 then null when _p in (0, 1) or _variance <= 0 then _k::double
      else _p * (1 - _p) / _variance end as _effective
  from _levels left join _variances using ({keys})
)"""

_SUPPRESSED = {
    TOO_FEW: f"least(_k, _effective) < {SMALLEST_N}",
    TOO_WIDE: f"_upper_95 - _lower_95 >= {WIDEST_INTERVAL}",
    TOO_WIDE_FOR_ITS_SIZE: (
        f"_upper_95 - _lower_95 > {NARROW_INTERVAL} and _p > 0 and (_upper_95 - _lower_95) / _p > {WIDEST_RELATIVE_INTERVAL}"
    ),
}
_REVIEWED = {ZERO_OR_ONE: "_p in (0, 1)", FEW_DEGREES_OF_FREEDOM: f"_df < {FEWEST_DEGREES_OF_FREEDOM}"}
_FOOTNOTED = {
    UNRELIABLE_COMPLEMENT: (
        f"_upper_95 - _lower_95 > {NARROW_INTERVAL} and _p < 1 "
        f"and (_upper_95 - _lower_95) / (1 - _p) > {WIDEST_RELATIVE_INTERVAL}"
    )
}


def _reasons(rules: dict[str, str]) -> str:
    found = ", ".join(f"case when {holds} then '{reason}' end" for reason, holds in rules.items())
    return f"nullif(concat_ws('; ', {found}), '')"


JUDGED = f"""
_judged as (
  select *, case when _k = 0 then '{NO_KNOWN_OUTCOME}' when _lower_95 is null then '{NO_DEGREES_OF_FREEDOM}'
      else {_reasons(_SUPPRESSED)} end as _hidden,
    {_reasons(_REVIEWED)} as _reviewed, {_reasons(_FOOTNOTED)} as _footnoted
  from _limited
)"""

REVIEW_OF_SCALE = "nullif({uneven}, '')"


def answer_of_prevalence(level: float) -> str:
    shown = {
        "prevalence": "_p",
        "prevalence_se": "_se",
        "prevalence_lower": "_lower",
        "prevalence_upper": "_upper",
        "design_effect": "case when _p not in (0, 1) then _k * _variance / (_p * (1 - _p)) end",
        "n_effective": "_effective",
    }
    numbers = ", ".join(f"case when _hidden is null then {number} end as {name}" for name, number in shown.items())
    answer = f"""
select {{source}} as source, {{wave}} as wave, {{shown_by}} _k::bigint as n_respondents, _cases::bigint as n_cases,
  _missing::bigint as n_missing, {numbers}, {level!r}::double as confidence_level, 'korn_graubard' as method,
  _df::bigint as degrees_freedom, {{weight_name}} as weight, {{variance}} as variance_method,
  case when _hidden is not null then 'suppress' when _reviewed is not null or {REVIEW_OF_SCALE} is not null then 'review'
    when _footnoted is not null then 'footnote' else 'show' end as presentation,
  nullif(concat_ws('; ', coalesce(_hidden, _reviewed, _footnoted), case when _hidden is null then {REVIEW_OF_SCALE} end), '')
    as presentation_reason
from _judged cross join {SOMEBODY} where _is_there"""
    return protected(answer, OF_A_SHARE, ["n_respondents", "n_cases", *shown, "degrees_freedom"])


def prevalence_select(level: float, is_survey: bool) -> str:
    """The select of `ask.prevalence`; of a source without a design, where people were sampled one by one."""
    variance = variance_of(is_survey, z="_w * _i", zz="_n * _i * _i")
    at_95 = limits("_95", STANDARD_LEVEL).replace("{before}", "_errors")
    same = "\n_limited as (select *, _lower_95 as _lower, _upper_95 as _upper from _limited_95)"
    at_level = same if level == STANDARD_LEVEL else limits("", level).replace("{before}", "_limited_95")
    parts = [PEOPLE, CELLS, LEVELS_OF_PREVALENCE, variance, ERRORS, at_95, at_level, JUDGED]
    return "with" + ",".join(parts) + answer_of_prevalence(level)


def variance_of(is_survey: bool, *, z: str, zz: str) -> str:
    """The variances of the levels; `z` is what a cell adds to a statistic, `zz` the sum of the squares of what its people add."""
    variance = VARIANCE_OF_PSUS if is_survey else VARIANCE_OF_PEOPLE
    return variance.replace("{z}", z).replace("{zz}", zz)


def mean_select(level: float, is_survey: bool, *, is_total: bool) -> str:
    """The select of `ask.mean`, or of `ask.total`."""
    name = "total" if is_total else "mean"
    levels = LEVELS_OF_MEAN.replace("{mean}", TOTAL if is_total else MEAN)
    sums = SUMS_OF_MEAN.replace("{divisor}", "{n_waves}::double" if is_total else "_weight")
    variance = variance_of(is_survey, z="_z", zz="_zz")
    estimate = "coalesce(_sum, 0) / {n_waves}::double" if is_total else "_mean_of_all"
    answer = f"""
select {{source}} as source, {{wave}} as wave, {{shown_by}} _k::bigint as n_respondents, _missing::bigint as n_missing,
  case when _df > 0 then {estimate} end as {name}, case when _df > 0 then sqrt(greatest(_variance, 0)) end as {name}_se,
  case when _df > 0 then {estimate} - ask._t(_df, {level!r}) * sqrt(greatest(_variance, 0)) end as {name}_lower,
  case when _df > 0 then {estimate} + ask._t(_df, {level!r}) * sqrt(greatest(_variance, 0)) end as {name}_upper,
  {level!r}::double as confidence_level, 'taylor' as method, _df::bigint as degrees_freedom, {{weight_name}} as weight,
  {{variance}} as variance_method,
  case when _k = 0 or _df <= 0 then 'suppress'
    when _df < {FEWEST_DEGREES_OF_FREEDOM} or {REVIEW_OF_SCALE} is not null then 'review' else 'show' end as presentation,
  case when _k = 0 then '{NO_KNOWN_OUTCOME}' when _df <= 0 then '{NO_DEGREES_OF_FREEDOM}'
    else nullif(concat_ws('; ', case when _df < {FEWEST_DEGREES_OF_FREEDOM} then '{FEW_DEGREES_OF_FREEDOM}' end,
                          {REVIEW_OF_SCALE}), '') end as presentation_reason
from _levels left join _variances using ({{keys}}) cross join {SOMEBODY} where _is_there"""
    hidden = ["n_respondents", *(f"{name}{end}" for end in ENDS), "degrees_freedom"]
    return "with" + ",".join([PEOPLE, MOMENTS, levels, sums, variance]) + protected(answer, OF_A_MEAN, hidden)


GROUPS = """
_groups as (
  select cast(_e as varchar) as _level, sum(_n) as _k, coalesce(sum(_n) filter (_y), 0) as _cases, sum(_w) as _weight,
    case when coalesce(sum(_n) filter (_y), 0) = sum(_n) then 1 else coalesce(sum(_w) filter (_y), 0) / sum(_w) end as _p
  from _cells where _in and _n > 0 and _y is not null and _e is not null group by _e
),
_levels as (
  select exposed._level as _level, exposed._k as _k1, exposed._cases as _c1, exposed._weight as _w1, exposed._p as _p1,
    unexposed._k as _k0, unexposed._cases as _c0, unexposed._weight as _w0, unexposed._p as _p0
  from _groups as exposed cross join (select * from _groups where _level = {reference}) as unexposed
  where exposed._level <> {reference}
),
_influence as (
  select _level, _stratum, _psu, _n, _w,
    case cast(_e as varchar) when _level then (_y::int - _p1) / _w1 / {slope1}
      when {reference} then -(_y::int - _p0) / _w0 / {slope0} else 0 end as _i
  from _cells cross join _levels where _in and _n > 0 and _y is not null and _e is not null
)"""

MEASURES = {
    "prevalence_difference": ("1", "_p1 - _p0", "true"),
    "prevalence_ratio": ("nullif({p}, 0)", "ln(_p1) - ln(_p0)", "_c1 > 0 and _c0 > 0"),
    "odds_ratio": (
        "nullif({p} * (1 - {p}), 0)",
        "ln(_p1 * (1 - _p0)) - ln(_p0 * (1 - _p1))",
        "_c1 > 0 and _c0 > 0 and _c1 < _k1 and _c0 < _k0",
    ),
}
"""Measure -> the slope by which an influence is divided, the estimate on the scale of its error, and when there is one."""

METHODS = {
    "prevalence_difference": "difference of weighted shares (Taylor linearisation), complete cases",
    "prevalence_ratio": "ratio of weighted shares (Taylor linearisation of its logarithm), complete cases",
    "odds_ratio": "ratio of weighted odds (Taylor linearisation of its logarithm), complete cases",
}

NO_RATIO = "everybody or nobody has the outcome at this level or at the reference: there is no ratio to estimate"


def comparison_select(measure: str, level: float, is_survey: bool) -> str:
    """The select of a measure that compares the levels of an exposure with a reference."""
    slope, centre, exists = MEASURES[measure]
    groups = GROUPS.replace("{slope1}", slope.replace("{p}", "_p1")).replace("{slope0}", slope.replace("{p}", "_p0"))
    variance = variance_of(is_survey, z="_w * _i", zz="_n * _i * _i").replace("{keys}", "_level")
    back = "" if measure == "prevalence_difference" else "exp"
    margin = f"ask._t(_df, {level!r}) * _se"
    estimated = f"""
_estimated as (
  select *, least(_c1, _k1 - _c1, _c0, _k0 - _c0) < {SPARSE_CELL} as _is_sparse,
    case when _df > 0 and {exists} then {centre} end as _centre,
    case when _df > 0 and {exists} then sqrt(greatest(_variance, 0)) end as _se
  from _levels left join _variances using (_level)
)"""
    answer = f"""
select {{source}} as source, {{wave}} as wave, {{outcome_name}} as outcome, {{exposure_name}} as exposure,
  _level as exposure_level, {{reference}} as reference_level, _c1::bigint as exposed_cases,
  (_k1 - _c1)::bigint as exposed_noncases, _c0::bigint as unexposed_cases, (_k0 - _c0)::bigint as unexposed_noncases,
  (select sum(_n) filter (_in and (_y is null or _e is null)) from _cells)::bigint as n_missing,
  {back}(_centre) as {measure}, _se as {"" if not back else "log_"}{measure}_se,
  {back}(_centre - {margin}) as {measure}_lower, {back}(_centre + {margin}) as {measure}_upper,
  case when _se > 0 then ask._two_sided_p(_centre / _se, _df) end as p_value,
  {level!r}::double as confidence_level, '{METHODS[measure]}' as method,
  _df::bigint as degrees_freedom, {{weight_name}} as weight, {{variance}} as variance_method,
  case when _centre is null then 'suppress'
    when _is_sparse or _df < {FEWEST_DEGREES_OF_FREEDOM} or {REVIEW_OF_SCALE} is not null then 'review'
    else 'show' end as presentation,
  case when _df <= 0 then '{NO_DEGREES_OF_FREEDOM}' when _centre is null then '{NO_RATIO}'
    else nullif(concat_ws('; ', case when _is_sparse then 'fewer than {SPARSE_CELL} respondents {IN_ONE_CELL}' end,
      case when _df < {FEWEST_DEGREES_OF_FREEDOM} then '{FEW_DEGREES_OF_FREEDOM}' end, {REVIEW_OF_SCALE}), '') end
    as presentation_reason
from _estimated cross join {SOMEBODY} where _is_there"""
    error = f"{'log_' if back else ''}{measure}_se"
    hidden = [*FOUR_CELLS, measure, error, f"{measure}_lower", f"{measure}_upper", "p_value", "degrees_freedom"]
    people = PEOPLE.replace("{columns}", "{columns}, {exposure} as _e")
    cells = CELLS.replace("{grouped}", "_e,")
    return "with" + ",".join([people, cells, groups, variance, estimated]) + protected(answer, OF_FOUR_CELLS, hidden)
