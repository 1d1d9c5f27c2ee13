"""Reading one ODCS file: the standard's model checks the shape, this module what the pipeline makes of it.

A field of the standard that would promise something about the data, and that nothing here keeps, is an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import CustomProperty, DataQuality, OpenDataContractStandard, SchemaObject, SchemaProperty
from pydantic import ValidationError

from pipelines.contracts.codebook import Codebook, read_codebook
from pipelines.contracts.columns import ARROW_TYPES, LIST, LOGICAL_TYPES, Column
from pipelines.contracts.comparability import Comparability, read_verdicts
from pipelines.contracts.owners import read_owners
from pipelines.contracts.quality import quality_rule
from pipelines.contracts.rules import (
    OF_READING,
    SEVERITIES,
    Rule,
    RuleError,
    Severity,
    option_rules,
    required_rule,
    severity_of,
    unique_rule,
)
from pipelines.contracts.yaml_source import ContractError, Location, ProblemList, read_yaml
from pipelines.machine.faults import faults

API_VERSION = "v3.1.0"
RAW = "raw"
"""The schema of tables that are delivered, not made."""

COLUMN_PROPERTIES = frozenset({"question", "unit", "waves", "codebook", "codebookVariable", "severity", "missing", "levels"})
TABLE_PROPERTIES = frozenset({"columnsLeftOut", "comparability", "maxShareSetAside", "noPrimaryKeyBecause"})

MAX_SHARE_SET_ASIDE = 0.05
"""Where a contract does not say: a delivery with a larger share of its records set aside is rejected, all of it is doubtful."""

# Fields of the standard that describe; any other field must be one that is read below.
_DESCRIBING = {"id", "businessName", "deprecated", "tags", "authoritativeDefinitions", "physicalName"}
_CONTRACT_FIELDS = _DESCRIBING | {
    *(
        "apiVersion",
        "kind",
        "name",
        "version",
        "status",
        "description",
        "schema",
        "domain",
        "dataProduct",
        "tenant",
        "team",
        "support",
    ),
    "contractCreatedTs",
}
_TABLE_FIELDS = _DESCRIBING | {
    *(
        "name",
        "description",
        "properties",
        "quality",
        "customProperties",
        "physicalType",
        "logicalType",
        "dataGranularityDescription",
    ),
}
_COLUMN_FIELDS = _DESCRIBING | {
    *("name", "description", "logicalType", "physicalType", "logicalTypeOptions", "required", "unique", "primaryKey"),
    *("primaryKeyPosition", "classification", "quality", "customProperties", "examples", "criticalDataElement"),
    *("transformSourceObjects", "transformLogic", "transformDescription"),
}


@dataclass(frozen=True)
class ContractParts:
    """What one file and its codebook say."""

    content: Mapping[str, Any]
    description: str
    version: str
    owners: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    codebook: Codebook | None
    comparability: tuple[Comparability, ...]
    max_share_set_aside: float
    title: str
    purpose: str
    usage: str
    links: tuple[tuple[str, str], ...]
    no_key_because: str | None
    left_out: tuple[str, ...]


def read_contract(path: Path, schema: str, table: str, codebook_path: Path) -> ContractParts:
    """Read and check the contract of `schema.table`; raises ContractError with every problem and its line."""
    source = read_yaml(path)
    try:
        # The standard's model lets unknown fields of its parts pass unless told otherwise here.
        contract = OpenDataContractStandard.model_validate(source.content, extra="forbid")
    except ValidationError as error:
        wrong = faults(error, OpenDataContractStandard, "is no field of the Open Data Contract Standard")
        raise ContractError([fault.at(source.place(fault.location)) for fault in wrong]) from error
    problems = ProblemList(source)
    _unread(contract.model_fields_set - {"schema_"}, _CONTRACT_FIELDS, [], problems)
    expected = {"apiVersion": API_VERSION, "kind": "DataContract", "id": f"{schema}.{table}"}
    for name, value in expected.items():
        if getattr(contract, name) != value:
            problems.add([name], f"must be {value}, found {getattr(contract, name)}.")
    if not contract.version:
        problems.add(["version"], "must be given, e.g. 1.0.0.")
    if not contract.schema_ or len(contract.schema_) != 1:
        problems.add(["schema"], "must hold exactly one table: one file a table.")
        raise ContractError(problems.problems)
    subject = contract.schema_[0]
    at: list[str | int] = ["schema", 0]
    _unread(subject.model_fields_set, _TABLE_FIELDS, at, problems)
    if subject.name != table:
        problems.add([*at, "name"], f"must be {table}, as the file is called; found {subject.name}.")
    if not subject.description:
        problems.add([*at, "description"], "must be given and say what one row is.")
    if not subject.properties:
        problems.add([*at, "properties"], "must list the columns.")
    custom = _custom_properties(subject.customProperties, TABLE_PROPERTIES, at, problems)
    _check_share(custom.get("maxShareSetAside", MAX_SHARE_SET_ASIDE), [*at, "customProperties"], problems)
    columns = [_column(given, [*at, "properties", index], problems) for index, given in enumerate(subject.properties or [])]
    _check_names(columns, [*at, "properties"], problems)
    for index, column in enumerate(columns if schema == RAW else []):
        if column.type.endswith(LIST):
            message = f"{column.name}: {column.type} is for tables that are made: a delivery has a value in each cell."
            problems.add([*at, "properties", index, "physicalType"], message)
    left_out = _left_out(custom.get("columnsLeftOut", []), schema, columns, [*at, "customProperties"], problems)
    about = contract.description
    owners = read_owners(contract.team, problems)
    verdicts, contradictions = read_verdicts(custom.get("comparability", []), {column.name for column in columns})
    for contradiction in contradictions:
        problems.add([*at, "customProperties"], contradiction)
    codebook = _codebook(codebook_path, columns, problems)
    rules = [] if problems.problems else _rules(subject, columns, codebook, problems)
    if problems.problems:
        raise ContractError(problems.problems)
    return ContractParts(
        content=source.content,
        description=str(subject.description).strip(),
        version=str(contract.version),
        owners=owners,
        columns=tuple(columns),
        rules=tuple(rules),
        codebook=codebook,
        comparability=tuple(verdicts),
        max_share_set_aside=custom.get("maxShareSetAside", MAX_SHARE_SET_ASIDE),
        title=contract.name or f"{schema}.{table}",
        purpose=(about.purpose or "").strip() if about else "",
        usage=(about.usage or "").strip() if about else "",
        links=tuple((str(link.type), str(link.url)) for link in (about and about.authoritativeDefinitions) or ()),
        no_key_because=custom.get("noPrimaryKeyBecause"),
        left_out=left_out,
    )


def _unread(given: set[str], read: set[str], at: Location, problems: ProblemList) -> None:
    for name in sorted(given - read):
        problems.add([*at, name], f"{name} is a field that nothing here keeps. Remove it, or say it in another way.")


def _custom_properties(
    given: Sequence[CustomProperty] | None, known: frozenset[str], at: Location, problems: ProblemList
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for index, custom in enumerate(given or []):
        place = [*at, "customProperties", index]
        if custom.property not in known:
            problems.add(place, f"custom property {custom.property!r} is unknown. Known are {', '.join(sorted(known))}.")
        elif custom.property in values:
            problems.add(place, f"custom property {custom.property} is given twice. Keep one.")
        elif custom.value is None:
            problems.add(place, f"custom property {custom.property} has no value.")
        else:
            values[custom.property] = custom.value
    return values


def _check_share(share: object, at: Location, problems: ProblemList) -> None:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        problems.add(at, f"maxShareSetAside must be a number from 0 to 1; found {share!r}.")


def _column(given: SchemaProperty, at: Location, problems: ProblemList) -> Column:
    _unread(given.model_fields_set, _COLUMN_FIELDS, at, problems)
    custom = _custom_properties(given.customProperties, COLUMN_PROPERTIES, at, problems)
    name, kind = given.name or "", given.physicalType or ""
    if not name or '"' in name or not name.isprintable():
        problems.add([*at, "name"], "must be given, without quotes and control characters.")
    if kind not in ARROW_TYPES:
        known = ", ".join(known for known in ARROW_TYPES if not known.endswith(LIST))
        problems.add([*at, "physicalType"], f"{name}: physicalType {kind!r} is not one of {known}.")
    elif given.logicalType and given.logicalType not in LOGICAL_TYPES[kind]:
        problems.add([*at, "logicalType"], f"{name}: logicalType {given.logicalType} does not go with physicalType {kind}.")
    if not given.description:
        problems.add([*at, "description"], f"{name}: description must be given.")
    waves = custom.get("waves")
    if waves is not None and not (isinstance(waves, list) and waves and all(isinstance(wave, str) for wave in waves)):
        problems.add([*at, "customProperties"], f"{name}: waves must be a list of names of waves.")
        waves = None
    for flag in ("question", "unit", "codebookVariable"):
        if not isinstance(custom.get(flag, ""), str):
            problems.add([*at, "customProperties"], f"{name}: {flag} must be text.")
    if not isinstance(custom.get("codebook", False), bool):
        problems.add([*at, "customProperties"], f"{name}: codebook must be true or false.")
    if "codebookVariable" in custom and not custom.get("codebook"):
        problems.add([*at, "customProperties"], f"{name}: codebookVariable needs codebook: true.")
    missing = _marks(custom.get("missing", []), name, [*at, "customProperties"], problems)
    levels = _levels(custom.get("levels", {}), name, [*at, "customProperties"], problems)
    position = given.primaryKeyPosition if given.primaryKeyPosition and given.primaryKeyPosition > 0 else 1
    return Column(
        name=name,
        type=kind,
        description=(given.description or "").strip(),
        required=bool(given.required or given.primaryKey),
        unique=bool(given.unique),
        key_position=position if given.primaryKey else None,
        unit=custom.get("unit"),
        question=custom.get("question"),
        waves=tuple(waves) if waves else None,
        codebook_variable=custom.get("codebookVariable", name) if custom.get("codebook") is True else None,
        classification=given.classification,
        missing=missing,
        label=(given.businessName or "").strip() or None,
        levels=levels,
    )


def _levels(given: object, name: str, at: Location, problems: ProblemList) -> tuple[tuple[str, str], ...]:
    """The words of the levels of a column."""
    if not isinstance(given, dict) or not all(isinstance(one, str) and one.strip() for pair in given.items() for one in pair):
        problems.add(at, f'{name}: levels must be a text for each level in quotes, such as "none": No activity.')
        return ()
    return tuple((level, words.strip()) for level, words in given.items())


def _marks(given: object, name: str, at: Location, problems: ProblemList) -> tuple[str, ...]:
    """The marks of missing values of a column: one text or a list of texts."""
    marks = [given] if isinstance(given, str) else given
    if not isinstance(marks, list) or not all(isinstance(mark, str) and mark.strip() for mark in marks):
        problems.add(at, f'{name}: missing must be a mark in quotes, such as "NA", or a list of such.')
        return ()
    return tuple(mark.strip() for mark in marks)


def _check_names(columns: Sequence[Column], at: Location, problems: ProblemList) -> None:
    """SQL tells columns apart by their name without regard to case."""
    seen: dict[str, str] = {}
    for index, column in enumerate(columns):
        if column.name.lower() in seen:
            problems.add([*at, index], f"{column.name} has the same name as {seen[column.name.lower()]}.")
        seen[column.name.lower()] = column.name


def _left_out(given: object, schema: str, columns: Sequence[Column], at: Location, problems: ProblemList) -> tuple[str, ...]:
    """The delivered columns that are not taken in."""
    if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given):
        problems.add(at, "columnsLeftOut must be a list of names of delivered columns.")
        return ()
    if given and schema != RAW:
        problems.add(at, "columnsLeftOut is for tables of raw, which are delivered. Leave the column out of the select.")
    described = {column.name for column in columns}
    for name in dict.fromkeys(given):
        if name in described:
            problems.add(at, f"columnsLeftOut: {name} is among the properties, too. Keep it in one of the two.")
        if given.count(name) > 1:
            problems.add(at, f"columnsLeftOut: {name} is given twice. Keep one.")
    return tuple(given)


def _codebook(path: Path, columns: Sequence[Column], problems: ProblemList) -> Codebook | None:
    if not path.exists():
        for column in columns:
            if column.codebook_variable:
                problems.add(["schema", 0, "properties"], f"{column.name} has codebook: true, but there is no {path}.")
                break
        return None
    variables = {column.name for column in columns} | {column.codebook_variable for column in columns if column.codebook_variable}
    try:
        return read_codebook(path, variables)
    except ContractError as error:
        problems.problems += error.problems
        return None


def _rules(subject: SchemaObject, columns: Sequence[Column], codebook: Codebook | None, problems: ProblemList) -> list[Rule]:
    """All rules of the table, in the order of the file; names that are given twice are problems."""
    found: list[tuple[Location, Rule]] = []
    by_name = {column.name: column for column in columns}

    def collect(at: Location, make: Callable[[], list[Rule]]) -> None:
        try:
            found.extend((at, rule) for rule in make())
        except RuleError as problem:
            problems.add([*at, *problem.location], str(problem))

    at: list[str | int] = ["schema", 0]
    key = sorted((column for column in columns if column.key_position is not None), key=lambda column: column.key_position or 0)
    if key:
        collect(at, lambda: [unique_rule("table.primaryKey", [column.name for column in key], _key_severity(subject, key))])
    for index, (given, column) in enumerate(zip(subject.properties or [], columns, strict=True)):
        place = [*at, "properties", index]
        collect(place, partial(_field_rules, given, column, codebook))
        for number, entry in enumerate(given.quality or []):
            collect([*place, "quality", number], partial(_quality_rules, entry, column, by_name))
    for number, entry in enumerate(subject.quality or []):
        collect([*at, "quality", number], partial(_quality_rules, entry, None, by_name))
    seen: set[str] = set()
    for location, rule in found:
        if rule.rule_id in seen:
            problems.add(location, f"two rules are called {rule.rule_id}. Give one of them an id.")
        if OF_READING.fullmatch(rule.rule_id):
            problems.add(location, f"{rule.rule_id} is what a note of the reader is called. Give the rule another id.")
        seen.add(rule.rule_id)
    return [rule for _, rule in found]


def _key_severity(subject: SchemaObject, key: Sequence[Column]) -> Severity:
    """The strictest severity among the columns of the key."""
    names = {column.name for column in key}
    given = {_severity(item) for item in subject.properties or [] if item.name in names}
    return next(severity for severity in SEVERITIES if severity in given)


def _severity(given: SchemaProperty) -> Severity:
    custom = {item.property: item.value for item in given.customProperties or []}
    return severity_of(custom.get("severity"), ["customProperties"])


def _quality_rules(entry: DataQuality, column: Column | None, columns: Mapping[str, Column]) -> list[Rule]:
    return [quality_rule(entry, column, columns)]


def _field_rules(given: SchemaProperty, column: Column, codebook: Codebook | None) -> list[Rule]:
    severity = _severity(given)
    rules = [required_rule(column.name, severity)] if column.required else []
    rules += [unique_rule(f"{column.name}.unique", [column.name], severity)] if column.unique else []
    return rules + option_rules(column, given.logicalTypeOptions or {}, codebook, severity)
