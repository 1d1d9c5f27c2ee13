"""What a macro refuses, and why: each macro gives a sentence, or NULL where nothing is wrong.

A condition is parsed by DuckDB itself and its tree looked through: it may hold columns of the respondents, constants and the
functions below, and nothing else. That list is short so that no function of a later DuckDB or of an extension gets in.
"""

PLAIN_NODES = (
    "BETWEEN",
    "CASE",
    "CAST",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "OPERATOR",
)
PLAIN_FUNCTIONS = (
    *("+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "~~*", "!~~*"),
    *("abs", "ceil", "contains", "ends_with", "floor", "greatest", "ifnull", "least", "length", "lower", "nullif", "prefix"),
    *("regexp_full_match", "regexp_matches", "round", "starts_with", "substring", "suffix", "trim", "upper"),
)

EXAMPLE = "write one such as sex = ''female'' and age_years >= 60"

IS_ONE_EXPRESSION = """
  json_array_length(json_extract(j, '$.statements')) = 1
  and json_extract_string(j, '$.statements[0].node.type') = 'SELECT_NODE'
  and json_array_length(json_extract(j, '$.statements[0].node.select_list')) = 1
  and json_array_length(json_extract(j, '$.statements[0].node.modifiers')) = 0
  and json_array_length(json_extract(j, '$.statements[0].node.group_expressions')) = 0
  and json_extract_string(j, '$.statements[0].node.from_table.type') = 'EMPTY'
  and json_extract_string(j, '$.statements[0].node.select_list[0].alias') = ''
  and len(list_filter(json_extract_string(j, [
    '$.statements[0].node.where_clause', '$.statements[0].node.having', '$.statements[0].node.qualify',
    '$.statements[0].node.sample']), lambda x: coalesce(x, 'null') <> 'null')) = 0"""

REFUSING = {
    "_literal(text)": "'''' || replace(text, '''', '''''') || ''''",
    "_name(text)": """'"' || replace(text, '"', '""') || '"'""",
    "_shown(text)": "left(regexp_replace(text, '[^\\x20-\\x7e]', '?', 'g'), 60)",
    "_listed(names)": "array_to_string(list_sort(names), ', ')",
    "_names(split)": """
      list_transform(list_filter(string_split(coalesce(split, ''), ','), lambda x: trim(x) <> ''), lambda x: lower(trim(x)))""",
    "_parsed(condition)": f"""
      list_transform([json_serialize_sql('select (' || condition || chr(10) || ')')], lambda j: struct_pack(
        is_sql := coalesce(json_extract_string(j, '$.error'), 'true') = 'false',
        is_one := coalesce({IS_ONE_EXPRESSION}, false),
        unlike := list_filter(json_extract_string(j, '$..class'), lambda x: x not in {PLAIN_NODES}),
        functions := list_filter(json_extract_string(j, '$..function_name'), lambda x: lower(x) not in {PLAIN_FUNCTIONS}),
        has_schema := len(list_filter(json_extract_string(j, '$..schema'), lambda x: x <> '')) > 0,
        casts := list_contains(json_extract_string(j, '$..try_cast'), 'false')
          and len(list_filter(json_extract_string(j, '$..cast_type.id'), lambda x: x <> 'BOOLEAN')) > 0
          and len(list_filter(json_extract_string(j, '$..child.class'), lambda x: x <> 'CONSTANT')) > 0,
        is_wide := len(list_filter(json_extract(j, '$..column_names'), lambda x: json_array_length(x) <> 1)) > 0,
        numbers := list_distinct(flatten(list_transform(list_filter(
          list_transform(json_extract_string(j, '$..value.value'), lambda x: try_cast(x as integer)), lambda x: x is not null),
          lambda x: [x - 1, x, x + 1]))),
        columns := list_transform(list_distinct(json_extract_string(j, '$..column_names[0]')), lambda x: lower(x))))[1]""",
    "_condition_fault(c)": f"""
      'condition ' || case
        when not c.is_sql then 'is no condition in SQL; {EXAMPLE}'
        when not c.is_one then 'is more than one condition; {EXAMPLE}'
        when list_contains(c.unlike, 'SUBQUERY')
          then 'holds a select: a condition is about one person and reads no other table or file'
        when len(c.functions) > 0
          then 'uses ' || ask._shown(c.functions[1]) || ', which it cannot; it compares columns of the respondents with values'
        when len(c.unlike) > 0 or c.has_schema then 'holds more than columns, values and comparisons; {EXAMPLE}'
        when c.casts then 'holds a cast that fails for some values: write try_cast'
        when c.is_wide then 'names a column with its table: write the column alone'
      end""",
    "_unknown(names)": "list_filter(names, lambda x: not list_contains(map_keys(ask._columns()), x))",
    "_names_fault(names)": """
      list_transform(ask._unknown(names), lambda x: coalesce(ask._shown(x), 'NULL')
        || ' is no column of the respondents; describe core.respondents lists them')[1]""",
    "_split_fault(split, outcome)": """
      case when list_contains(split, outcome) then 'by: ' || outcome || ' is what is asked about'
        when len(list_distinct(split)) < len(split) then 'by names a column twice' end""",
    "_by_fault(outcome, split, types, wanted, source)": """
      coalesce(ask._names_fault([outcome]),
        case
          when not list_contains(types, ask._columns()[outcome])
            then outcome || ' is ' || ask._columns()[outcome] || ', and this question is about ' || wanted
          when ask._columns()[outcome] = 'BOOLEAN' and types[1] <> 'BOOLEAN' and ask._source(source).least > 0
            then outcome || ' is true or false, and ' || source || ' is restricted: ask for its prevalence'
        end, ask._split_fault(split, outcome))""",
    "_reference(exposure, wanted)": """
      coalesce(wanted, ask._references()[exposure], case when ask._columns()[exposure] = 'BOOLEAN' then 'false' end)""",
    "_comparison_fault(outcome, exposure, reference)": """
      coalesce(ask._names_fault([outcome, exposure]),
        case
          when ask._columns()[outcome] <> 'BOOLEAN'
            then outcome || ' is ' || ask._columns()[outcome] || ', and this question is about what is true or false'
          when ask._columns()[exposure] not in ('BOOLEAN', 'VARCHAR')
            then exposure || ' is ' || ask._columns()[exposure] || ', and an exposure is true or false or has levels'
          when outcome = exposure then 'a variable is not related to itself: name another exposure'
          when ask._reference(exposure, reference) is null
            then 'say which level of ' || exposure || ' is the reference, with which the others are compared'
          when ask._columns()[exposure] = 'BOOLEAN' and ask._reference(exposure, reference) not in ('true', 'false')
            then exposure || ' is true or false: its reference is one of them'
        end)""",
    "_source_fault(wanted, s, known)": """
      case
        when wanted is null then 'say of which source; there are: ' || ask._listed(known)
        when s is null then 'there is no source ' || ask._shown(wanted) || '; there are: ' || ask._listed(known)
        when s.is_withheld then wanted || ' is restricted and its people are withheld from this file: '
             || 'nothing can be asked of them; the tables of report have what may be told'
        when s.is_replicated
          then wanted || ' has replicate weights, by which questions are not answered: the tables of report are'
        when s.design = 'case_control'
          then wanted || ' is a case-control source, which tells matched odds ratios only: see report.odds_ratios'
      end""",
    "_wave(s, wanted)": "coalesce(wanted, case when len(s.declared) > 1 then 'pooled' else s.declared[1] end)",
    "_waves(s, wave)": "case when wave = 'pooled' then s.declared else [wave] end",
    "_wave_fault(s, wanted, waves)": """
      case
        when not list_has_all(s.declared, waves) then 'there is no wave ' || ask._shown(wanted) || ' of ' || s.source
          || '; there are: ' || array_to_string(s.declared, ', ') || ', and pooled for all of them'
        when not list_has_all(s.present, waves) then 'no accepted delivery of '
          || array_to_string(list_filter(waves, lambda w: not list_contains(s.present, w)), ', ')
        when len(waves) > 1 then s.unpooled
      end""",
    "_weight(s, variables, wanted)": """
      case when s.design = 'survey' then coalesce(lower(wanted),
        list_filter(s.components, lambda c: list_has_any(c.variables, variables))[-1].weight, 'interview_weight') end""",
    "_weight_fault(s, wanted)": """
      case when wanted is not null and not list_contains(s.weights, lower(wanted))
        then ask._shown(wanted) || ' is no weight of ' || s.source || '; there are: '
             || coalesce(nullif(array_to_string(s.weights, ', '), ''), 'none, as it is unweighted') end""",
    "_apart(source, waves, variables)": """
      list_filter(ask._verdicts(), lambda v: v.source = source and len(list_intersect(v.waves, waves)) > 1
                  and list_has_any(v.variables, variables))""",
    "_imputed_fault(s, variables)": """
      case when list_has_any(s.imputed, variables)
        then ask._listed(list_intersect(s.imputed, variables)) || ' of ' || s.source || ' was imputed several times, and '
          || 'questions pool no imputations: the tables of report do' end""",
    "_pool_fault(apart, waves, variables)": """
      list_transform(list_filter(apart, lambda v: v.condition is null), lambda v:
        ask._listed(list_intersect(v.variables, variables)) || ' is not comparable between '
        || array_to_string(list_sort(list_intersect(v.waves, waves)), ' and ') || ': ' || v.reason)[1]""",
}
"""Macro with its parameters -> what it gives. `s` is a source, `c` a parsed condition."""
