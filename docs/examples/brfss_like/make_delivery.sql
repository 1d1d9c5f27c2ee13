-- Makes the deliveries of docs/add-a-survey.md: an invented telephone survey, no record of which describes a person.
-- Run in the project's folder, where it gives the same bytes every time:  duckdb < docs/examples/brfss_like/make_delivery.sql

-- a uniform number from 0 to 1 that belongs to the seed, a name and a unit: another seed is another survey
create macro draw(name, unit) as md5_number_lower('20241124 ' || name || ' ' || unit) / 18446744073709551616.0;
create macro logistic(x) as 1 / (1 + exp(-x));

create table people as
select
  wave,
  state,
  1000 * state + 10 * stratum + 1 as ststr,
  1000000 * wave + 100 * state + 10 * stratum + psu as psu,
  1000000 * wave + row_number() over (partition by wave order by state, stratum, psu, person) as seqno
from range(2022, 2024) as waves (wave), range(91, 96) as states (state), range(1, 5) as strata (stratum), range(1, 8) as psus (psu),
  range(1, 11) as persons (person);

create table answers as
with drawn as (
  select
    *,
    round((300 + 2500 * draw('size', ststr)) * (0.6 + draw('weight', seqno)), 2) as weight,
    least(80, cast(floor(18 + 74 * draw('age', seqno)) as integer)) as age,
    case when draw('sex', seqno) < 0.48 then 1 else 2 end as sex,
    draw('race', seqno) as race
  from people
),
active as (
  select
    *,
    draw('active', seqno) < logistic(1.5 - 0.02 * (age - 18) - 0.6 * (wave - 2022)) as is_active,
    draw('active_unanswered', seqno) as active_unanswered
  from drawn
),
cramps as (
  select
    *,
    draw('cramps', seqno) < logistic(
      -1.8 + 0.017 * (age - 18) + 0.25 * (sex - 1) + 0.5 * cast(not is_active as integer) + draw('cramps', psu) - 0.5
    ) as has_cramps,
    draw('often', seqno) as often,
    draw('cramps_unanswered', seqno) as cramps_unanswered
  from active
)
select
  wave,
  seqno as SEQNO,
  state as _STATE,
  ststr as _STSTR,
  psu as _PSU,
  weight as _LLCPWT,
  sex as SEXVAR,
  age as _AGE80,
  case
    when race < 0.62 then 1 when race < 0.75 then 2 when race < 0.81 then 3 when race < 0.84 then 4 when race < 0.985 then 5 else 9
  end as _RACEGR3,
  case
    when active_unanswered < 0.006 then null
    when active_unanswered < 0.012 then 7
    when active_unanswered < 0.015 then 9
    when is_active then 1
    else 2
  end as EXERANY2,
  case
    when draw('sleep_unanswered', seqno) < 0.01 then 77
    when draw('sleep_unanswered', seqno) < 0.015 then 99
    else 4 + cast(floor(3 * draw('sleep', seqno) + 3 * draw('more_sleep', seqno)) as integer)
  end as SLEPTIM1,
  case
    when state = 95 then null
    when cramps_unanswered < 0.012 then 7
    when cramps_unanswered < 0.018 then 9
    when not has_cramps then 1
    when often < 0.42 then 2
    when often < 0.74 then 3
    when often < 0.91 then 4
    else 5
  end as LEGCRMP1
from cramps;

copy (select * exclude (wave) from answers where wave = 2022 order by SEQNO)
to 'docs/examples/brfss_like/2022/respondents.csv' (header);

copy (select * exclude (wave, SLEPTIM1) from answers where wave = 2023 order by SEQNO)
to 'docs/examples/brfss_like/2023/respondents.csv' (header);
