"""The macros of a release as statements: what is known of its respondents, its sources and its study is written into them."""

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import duckdb

from pipelines.contracts.columns import NUMERIC_TYPES
from pipelines.machine.quoting import literal
from pipelines.project.conditions import Domain
from pipelines.project.levels import domains
from pipelines.project.project import Project
from pipelines.release.macros.distributions import DISTRIBUTIONS
from pipelines.release.macros.estimating import MEASURES, UNDERSTOOD, comparison_select, mean_select, prevalence_select
from pipelines.release.macros.facts import facts_of_all
from pipelines.release.macros.refusing import REFUSING
from pipelines.report.scales import DIFFERENT_SCALES

FIELD = re.compile(r"\b[cqsvx](?:\.\w+)+")
"""A field of a lambda's variable, or of a field of it."""

BEYOND = 1_000
"""How far above its top code the values of a column are looked at that no contract ends."""

NO_TOP_CODE = [{"variable": "", "code": 0, "highest": 0}]

SOURCES, VERDICTS, COLUMNS = "_sources()", "_verdicts()", "_columns()"


def write_macros(connection: duckdb.DuckDBPyConnection, project: Project) -> None:
    """The schema `ask` in a release that holds the respondents; reads what is delivered of them from the connection."""
    if not project.sources:
        return  # there is nobody to ask about
    scalars = {name: _with_fields(text) for name, text in _scalars(connection, project).items()}
    statements = [f"create macro ask.{name} as {text}" for name, text in scalars.items()]
    statements += [
        f"create macro ask.{name} as table {text}" for name, text in _questions(project.study.confidence_level).items()
    ]
    statements = [statement.replace("{respondents}", project.study.respondents) for statement in statements]
    # one transaction: each for itself waits for the disk
    connection.execute("; ".join(["begin", "create schema ask", *statements, "commit"]))


def _scalars(connection: duckdb.DuckDBPyConnection, project: Project) -> dict[str, str]:
    study, respondents = project.study, project.contracts[project.study.respondents]
    held = domains(project)
    sources = [
        facts | {"least": study.disclosure.minimum_cell if source.is_restricted else 0, "top": _top_codes(held, source.source)}
        for facts, source in zip(facts_of_all(connection, project), project.sources.values(), strict=True)
    ]
    verdicts = [
        {"source": source.source, "variables": v.variables, "waves": v.waves, "reason": v.reason, "condition": v.where}
        for source in project.sources.values()
        for v in project.comparability_of(source)
        if v.verdict == "not_comparable" or v.where
    ]
    references = {
        name: str(exposure.reference).lower() if isinstance(exposure.reference, bool) else exposure.reference
        for name, exposure in study.exposures.items()
        if exposure.reference is not None  # a number has none
    }
    types = respondents.column_types()
    no_verdict = (
        "struct_pack(source := '', variables := []::varchar[], waves := []::varchar[], reason := '', condition := null::varchar)"
    )
    return {
        SOURCES: _list(map(_struct, sources)),
        VERDICTS: _list(map(_struct, verdicts)) if verdicts else f"[{no_verdict}]",
        COLUMNS: _map(types),
        "_references()": _map(references),
        "_source(name)": "list_filter(ask._sources(), lambda s: s.source = name)[1]",
        **DISTRIBUTIONS,
        **REFUSING,
        **_WRITING,
    }


def _top_codes(held: Mapping[str, Domain], source: str) -> list[dict[str, Any]]:
    """The top codes of a source, each with the highest value that its column can have."""
    codes = [(name, domain.top_codes[source], domain) for name, domain in held.items() if source in domain.top_codes]
    found = [
        {"variable": name, "code": code, "highest": int(code + BEYOND if domain.highest is None else domain.highest)}
        for name, code, domain in codes
    ]
    return found or NO_TOP_CODE


# a question is put together in steps, each of which sees the one before it under one name: written out in one another, the macros
# would be so long that DuckDB took seconds to read them
_WRITING = {
    "_by_list(split)": "array_to_string(list_transform(split, lambda x: ask._name(x) || ', '), '')",
    "_known_by(split)": "array_to_string(list_transform(split, lambda x: 'and ' || ask._name(x) || ' is not null '), '')",
    "_apart_beyond(apart, waves, variables, condition)": """
      array_to_string(list_transform(list_filter(apart, lambda v: v.condition is not null), lambda v:
        'and case when (' || condition || chr(10) || ') and ('
        || array_to_string(list_transform(list_intersect(v.variables, variables),
             lambda x: ask._name(x) || ' is not null'), ' or ')
        || ') and not coalesce((' || v.condition || '), false) then error('
        || ask._literal(ask._listed(list_intersect(v.variables, variables)) || ' is comparable between '
             || array_to_string(list_sort(list_intersect(v.waves, waves)), ' and ') || ' where ' || v.condition
             || ' only, and others of those asked about have it: ' || v.reason) || ') else true end '), '')""",
    "_others(columns, variable)": """
      array_to_string(list_transform(list_filter(columns, lambda n: n <> variable), lambda n: ', ' || ask._name(n)), '')""",
    # a recorded top code stands for itself and all above: a condition may not tell these apart, whatever else a person says
    "_across(s, c, waves, condition)": """
      array_to_string(list_transform(list_filter(s.top, lambda x: list_contains(c.columns, x.variable)), lambda x:
        'and (select case when count(*) > 0 then error(' || ask._literal('the condition separates people above the top code '
          || x.code || ' of ' || s.source || ', where ' || x.variable || ' ' || x.code || ' stands for ' || x.code
          || ' and above; the highest bound that works is ' || x.variable || ' >= ' || x.code)
        || ') else true end from (select 1 from (select distinct 1 as _one'
        || ask._others(c.columns, x.variable) || ' from {respondents} where source = ' || ask._literal(s.source)
        || ' and wave in (' || array_to_string(list_transform(waves, lambda w: ask._literal(w)), ', ') || ') and '
        || ask._name(x.variable) || ' >= ' || x.code || ') cross join (select unnest(['
        || array_to_string(list_filter(list_concat([x.code, x.code + 1, x.highest], c.numbers), lambda n: n >= x.code), ', ')
        || ']::' || ask._columns()[x.variable] || '[]) as ' || ask._name(x.variable) || ') group by _one'
        || ask._others(c.columns, x.variable) || ' having count(distinct coalesce((' || condition || chr(10)
        || ')::boolean, false)) > 1)) '), '')""",
    "_beyond(q, condition)": """
      ask._apart_beyond(q.apart, q.waves, q.variables, condition) || ask._across(q.s, q.c, q.waves, condition)""",
    "_uneven(s, waves, weight)": f"""
      case when len(waves) > 1 and list_contains(s.uneven, weight) then {literal(DIFFERENT_SCALES)} else '' end""",
    "_asked(names, condition, source, wave, weight)": """
      list_transform(list_transform(list_transform(
        [struct_pack(s := ask._source(source), c := ask._parsed(condition))],
        lambda q: struct_pack(s := q.s, c := q.c, wave := ask._wave(q.s, wave), variables := list_concat(names, q.c.columns))),
        lambda q: struct_pack(s := q.s, c := q.c, wave := q.wave, waves := ask._waves(q.s, q.wave), variables := q.variables,
          weight := ask._weight(q.s, q.variables, weight))),
        lambda q: struct_pack(s := q.s, c := q.c, wave := q.wave, waves := q.waves, variables := q.variables, weight := q.weight,
          apart := ask._apart(source, q.waves, q.variables)))[1]""",
    "_fault(q, source, weight)": """
      coalesce(ask._source_fault(source, q.s, list_transform(ask._sources(), lambda s: s.source)), ask._condition_fault(q.c),
               ask._names_fault(q.variables), ask._wave_fault(q.s, q.wave, q.waves), ask._weight_fault(q.s, weight),
               ask._imputed_fault(q.s, q.variables),
               ask._pool_fault(q.apart, q.waves, q.variables))""",
    # the condition comes last: nothing that it holds is taken for a place to fill
    "_filled(template, q, condition)": """
      replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(template,
        '{least}', q.s.least::varchar),
        '{stratum}', coalesce(list_filter(q.s.strata, lambda x: x.wave = q.wave)[1].stratum, '0')),
        '{psu}', q.s.psu),
        '{population}', q.s.population),
        '{variance}', ask._literal(q.s.variance)),
        '{lonely}', ask._literal(q.s.lonely)),
        '{source}', ask._literal(q.s.source)),
        '{waves}', array_to_string(list_transform(q.waves, lambda w: ask._literal(w)), ', ')),
        '{wave}', ask._literal(q.wave)),
        '{n_waves}', len(q.waves)::varchar),
        '{weight}', coalesce(ask._name(q.weight) || '::double', '1::double')),
        '{weight_name}', coalesce(ask._literal(q.weight), 'null::varchar')),
        '{uneven}', ask._literal(ask._uneven(q.s, q.waves, q.weight))),
        '{beyond}', ask._beyond(q, condition)),
        '{condition}', condition)""",
    "_select(fault, text)": """
      list_transform([fault], lambda f: case when f is not null then error(f) else text end)[1]""",
}


def _questions(level: float) -> dict[str, str]:
    numbers = "[" + ", ".join(map(literal, [*sorted(NUMERIC_TYPES), "BOOLEAN"])) + "]"
    parameters = "(outcome, \"by\" := '', condition := 'true', source := null, wave := null, weight := null)"
    prevalence = (prevalence_select(level, is_survey) for is_survey in (True, False))
    questions = {f"prevalence{parameters}": _by_question(prevalence, "['BOOLEAN']", "what is true or false", y="")}
    for name in ("mean", "total"):
        selects = (mean_select(level, is_survey, is_total=name == "total") for is_survey in (True, False))
        questions[name + parameters] = _by_question(selects, numbers, "a number", y="::double")
    parameters = "(outcome, exposure, condition := 'true', source := null, wave := null, reference := null, weight := null)"
    for measure in MEASURES:
        questions[measure + parameters] = _comparison(comparison_select(measure, level, is_survey) for is_survey in (True, False))
    questions["_understood(fault, names, condition, source, wave, weight)"] = (
        f"select * from query(list_transform([ask._asked(names, {_CONDITION}, source, wave, weight)], lambda q: ask._select("
        f"coalesce(fault, ask._fault(q, source, weight)), ask._filled({literal(UNDERSTOOD)}, q, {_CONDITION})))[1])"
    )
    return questions


def _by_question(selects: Iterable[str], types: str, wanted: str, *, y: str) -> str:
    fault = (
        f"coalesce(ask._by_fault(lower(outcome), ask._names(\"by\"), {types}, '{wanted}', source), ask._fault(q, source, weight))"
    )
    places = {
        "columns": f"ask._by_list(ask._names(\"by\")) || ask._name(lower(outcome)) || '{y} as _y'",
        "grouped": 'ask._by_list(ask._names("by"))',
        "shown_by": 'ask._by_list(ask._names("by"))',
        "keys": "ask._by_list(ask._names(\"by\")) || '_all'",
        "known": 'ask._known_by(ask._names("by"))',
    }
    return _query('list_concat([lower(outcome)], ask._names("by"))', fault, selects, places)


def _comparison(selects: Iterable[str]) -> str:
    fault = "coalesce(ask._comparison_fault(lower(outcome), lower(exposure), reference), ask._fault(q, source, weight))"
    places = {
        "columns": "ask._name(lower(outcome)) || ' as _y'",
        "exposure": "ask._name(lower(exposure))",
        "outcome_name": "ask._literal(lower(outcome))",
        "exposure_name": "ask._literal(lower(exposure))",
        "reference": "ask._literal(ask._reference(lower(exposure), reference))",
    }
    return _query("[lower(outcome), lower(exposure)]", fault, selects, places)


_CONDITION = "coalesce(condition, 'true')"


def _query(names: str, fault: str, selects: Iterable[str], places: Mapping[str, str]) -> str:
    survey, unweighted = selects
    template = f"case when {_with_fields('q.s.design')} = 'survey' then {literal(survey)} else {literal(unweighted)} end"
    for place, text in places.items():
        template = f"replace({template}, '{{{place}}}', {text})"
    return (
        f"select * from query(list_transform([ask._asked({names}, {_CONDITION}, source, wave, weight)], lambda q: "
        f"ask._select({fault}, ask._filled({template}, q, {_CONDITION})))[1])"
    )


def _with_fields(text: str) -> str:
    """The text with `q.s.design` written as calls: in the arguments of a table function DuckDB takes the former for a text."""
    return FIELD.sub(lambda found: reduce(lambda inner, name: f"struct_extract({inner}, '{name}')", found[0].split(".")), text)


def _struct(values: Mapping[str, Any]) -> str:
    return "struct_pack(" + ", ".join(f"{name} := {_value(value)}" for name, value in values.items()) + ")"


def _value(value: Any) -> str:
    if value is None:
        return "null::varchar"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return _struct(value)
    if isinstance(value, (list, tuple)):
        return _list(map(_value, value)) if value else "[]::varchar[]"
    return str(literal(value))


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _map(values: Mapping[str, str]) -> str:
    if not values:
        return "map([]::varchar[], []::varchar[])"
    return f"map({_list(map(literal, values))}, {_list(map(literal, values.values()))})"
