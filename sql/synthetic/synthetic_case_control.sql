-- one row per participant: every set holds a case and a control of the same age and sex who take the same medicines
-- The log odds of being sedentary differ between sets, and within a set between case and control by exactly the planted log odds ratio.
with sets as (
  select
    sets.set_number,
    61 + cast(floor(29 * (1 - sqrt(1 - sets.u_age))) as integer) as age,
    sets.u_sex < 0.6 as is_female,
    sets.u_loop < 0.12 as takes_loop,
    sets.u_thiazide < 0.22 as takes_thiazide,
    sets.u_potassium_sparing < 0.06 as takes_potassium_sparing,
    sets.u_beta_agonist < 0.14 as takes_beta_agonist,
    sets.u_long_acting < 0.55 as is_long_acting,
    sets.u_statin < 0.4 as takes_statin,
    0.5 * ln(sets.u_sedentary / (1 - sets.u_sedentary)) as tendency
  from generator.sets as sets
),
odds as (
  select
    sets.*,
    sets.tendency - 2.0 + 0.04 * (sets.age - 70)
    + case when sets.is_female then 0.2 else 0 end
    + case when sets.takes_loop then 0.5 else 0 end
    + case when sets.takes_beta_agonist then 0.3 else 0 end as log_odds_of_control
  from sets
)
select
  2 * odds.set_number - case when members.is_case then 1 else 0 end as participant,
  odds.set_number as pair,
  case when members.is_case then 1 else 2 end as night_cramps,
  odds.age,
  case when odds.is_female then 2 else 1 end as sex,
  case when odds.takes_loop then 1 else 2 end as loop_diuretic,
  case when odds.takes_thiazide then 1 else 2 end as thiazide_diuretic,
  case when odds.takes_potassium_sparing then 1 else 2 end as potassium_sparing_diuretic,
  case when odds.takes_beta_agonist then 1 else 2 end as beta_agonist,
  case when odds.takes_beta_agonist and odds.is_long_acting then 1 else 2 end as long_acting_beta_agonist,
  case when odds.takes_statin then 1 else 2 end as statin,
  case
    when members.u_sedentary < 1 / (1 + exp(-odds.log_odds_of_control - case when members.is_case then ln(planted.is_sedentary) else 0 end))
      then 1
    else 2
  end as sedentary
from odds
inner join generator.members as members on members.set_number = odds.set_number
cross join generator.planted as planted
order by odds.set_number, participant
