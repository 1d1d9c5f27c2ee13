-- one row per dispensing of five years: who ever takes quinine takes other medicines more often, and in which order is planted
-- Everybody's first year holds people who had begun before. Who has a class and quinine has them 1 to 365 days apart.
with people as (
  select
    people.person,
    case when people.u_sex < 0.55 then 'female' else 'male' end as sex,
    1925 + cast(floor(55 * people.u_age) as integer) as birth_year,
    case when people.u_marker < 0.05 then 730 + cast(floor(731 * people.u_marker_day) as integer) end as marker_day,
    case when people.u_brand < 0.7 then 'M09AA01' else 'M09AA72' end as marker_code
  from generator.people as people
),
classes as (
  select * from (
    values
      ('loop_diuretic', 0.05, 'C03CA01', 'C03CA04'),
      ('thiazide_diuretic', 0.08, 'C03AA03', 'C03BA11'),
      ('potassium_sparing_diuretic', 0.03, 'C03DA01', 'C03DB01'),
      ('long_acting_beta_agonist', 0.03, 'R03AC13', 'R03AC12'),
      ('statin', 0.1, 'C10AA01', 'C10AA05'),
      ('calcium_channel_blocker', 0.08, 'C08CA01', 'C08CA02'),
      ('inhaled_anticholinergic', 0.03, 'R03BB04', 'R03BB01')
  ) as listed (name, share, code, other_code)
),
courses as (
  select
    people.person,
    people.sex,
    people.birth_year,
    case when courses.u_brand < 0.6 then classes.code else classes.other_code end as atc_code,
    case
      when courses.u_began < 0.15 then cast(floor(365 * courses.u_day) as integer)
      when people.marker_day is null then 365 + cast(floor(1461 * courses.u_day) as integer)
      when courses.u_order < courses.planted / nullif(1 + courses.planted, 0)
        then people.marker_day - 1 - cast(floor(365 * courses.u_day) as integer)
      else people.marker_day + 1 + cast(floor(365 * courses.u_day) as integer)
    end as first_day
  from generator.courses as courses
  inner join people on people.person = courses.person
  inner join classes on classes.name = courses.name
  where courses.u_takes < classes.share * case when people.marker_day is null then 1 else 2 end
),
begun as (
  select person, sex, birth_year, atc_code, first_day from courses
  union all
  select person, sex, birth_year, marker_code, marker_day from people where marker_day is not null
)
select
  begun.person,
  date '2015-01-01' + (begun.first_day + refills.days) as dispensed_on,
  begun.atc_code,
  begun.sex,
  begun.birth_year
from begun
cross join (values (0), (90)) as refills (days)
where begun.first_day + refills.days < 1826
order by begun.person, dispensed_on, begun.atc_code
