-- one row per person and day of a year: people differ in how often they have cramps, and summer has more of them than winter
with days as (
  select
    days.person,
    days.day,
    days.u_severity,
    days.u_trigger,
    days.u_forgotten,
    -- a mean of 1 over people, and over the days of 52 weeks
    (0.2 + 1.6 * people.u_tendency) * (1 - 0.3 * cos(2 * pi() * days.day / 364)) as tendency,
    days.u_cramps,
    days.u_twice,
    planted.planted
  from generator.days as days
  inner join generator.people as people on people.person = days.person
  cross join generator.planted as planted
),
nights as (
  select
    days.*,
    -- a night with cramps has two in a quarter of them
    case
      when days.u_cramps >= days.tendency * days.planted / 1.25 then 0
      when days.u_twice < 0.25 then 2
      else 1
    end as n_cramps
  from days
)
select
  nights.person,
  date '2024-01-01' + nights.day as diary_date,
  case when nights.u_forgotten >= 0.03 then nights.n_cramps end as cramps,
  case
    when nights.n_cramps > 0 and nights.u_forgotten >= 0.03 then 1 + cast(floor(10 * nights.u_severity) as integer)
  end as severity,
  case
    when nights.n_cramps = 0 or nights.u_forgotten < 0.03 or nights.u_trigger < 0.3 then null
    when nights.u_trigger < 0.6 then 'exercise'
    when nights.u_trigger < 0.8 then 'long sitting'
    else 'heat'
  end as trigger
from nights
order by nights.person, nights.day
