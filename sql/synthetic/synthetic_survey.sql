-- one row per person of the population, in the columns of a delivery
-- Everyone answers and every weight is that of a census; a sample multiplies the weights by one over the probability of being drawn.
with people as (
  select
    people.*,
    16 + cast(floor(75 * (1 - power(1 - people.u_age, 1 / 1.5))) as integer) as age,
    people.u_sex < 0.512 as is_female,
    case
      when people.u_ethnicity < 0.66 then 3
      when people.u_ethnicity < 0.78 then 4
      when people.u_ethnicity < 0.88 then 1
      when people.u_ethnicity < 0.94 then 2
      else 5
    end as ethnicity,
    -- quantiles of the logistic distribution: a neighbourhood is more or less active, and has more or fewer cramps
    0.15 * ln(psus.u_activity / (1 - psus.u_activity)) as psu_activity,
    0.06 * ln(psus.u_cramps / (1 - psus.u_cramps)) + 0.04 * ln(strata.u_cramps / (1 - strata.u_cramps)) as psu_cramps
  from generator.people as people
  inner join generator.psus as psus on psus.stratum = people.stratum and psus.psu = people.psu
  inner join generator.strata as strata on strata.stratum = people.stratum
),
lives as (
  select
    people.*,
    people.is_female and people.age between 20 and 44 as is_asked_about_pregnancy,
    people.u_pregnant < case when people.age < 35 then 0.08 else 0.03 end as is_pregnant,
    people.u_loop < 1 / (1 + exp(6.3 - 0.05 * people.age)) as takes_loop,
    people.u_thiazide < 1 / (1 + exp(5.6 - 0.06 * people.age - case when people.is_female then 0.25 else 0 end)) as takes_thiazide,
    people.u_potassium_sparing < 1 / (1 + exp(6.1 - 0.05 * people.age)) as takes_potassium_sparing,
    people.u_beta_agonist < 1 / (1 + exp(3.1 - 0.011 * people.age)) as takes_beta_agonist,
    people.u_long_acting < 0.25 + 0.004 * people.age as is_long_acting,
    people.u_statin < 1 / (1 + exp(greatest(0.0, 70 - people.age) * 0.09 + 0.3)) as takes_statin,
    people.u_vigorous < 1 / (1 + exp(0.03 * people.age - 0.5 - people.psu_activity + case when people.is_female then 0.35 else 0 end))
      as is_vigorous,
    people.u_moderate < 1 / (1 + exp(0.008 * people.age - 0.3 - people.psu_activity)) as is_moderate,
    greatest(14.0, least(75.0, round(27.4 * exp(0.095 * ln(people.u_body_mass / (1 - people.u_body_mass))), 1))) as bmi,
    people.u_exam < 0.95 as is_examined,
    people.u_exam < 0.95 and people.u_diet < 0.88 as has_dietary_day
  from people
),
cramps as (
  select
    lives.*,
    -- latent tendency: above 0 there are cramps, above often_from they are frequent
    -1.62 + 0.0085 * (lives.age - 20) + lives.psu_cramps
    + case when lives.is_female then ln(effects.female) else 0 end
    + case when lives.is_asked_about_pregnancy and lives.is_pregnant then ln(effects.pregnant) else 0 end
    + case when lives.takes_loop then ln(effects.loop_diuretic) else 0 end
    + case when lives.takes_thiazide then ln(effects.thiazide_diuretic) else 0 end
    + case when lives.takes_potassium_sparing then ln(effects.potassium_sparing_diuretic) else 0 end
    + case
      when lives.takes_beta_agonist and lives.is_long_acting then ln(effects.long_acting_beta_agonist)
      when lives.takes_beta_agonist then ln(effects.beta_agonist)
      else 0
    end
    + case when lives.takes_statin then ln(effects.statin) else 0 end
    + case when lives.is_vigorous or lives.is_moderate then 0 else ln(effects.sedentary) end
    + ln(effects.five_bmi_units) * (lives.bmi - 27.4) / 5
    + ln(lives.u_cramps / (1 - lives.u_cramps)) as tendency,
    2.5 - 0.014 * (lives.age - 20) as often_from
  from lives
  cross join generator.effects as effects
)
select
  cramps.person as respondent,
  cramps.age,
  case when cramps.is_female then 'female' else 'male' end as sex,
  cramps.ethnicity,
  case when cramps.is_asked_about_pregnancy then case when cramps.is_pregnant then 1 else 2 end end as pregnant,
  case when cramps.takes_loop then 1 else 2 end as loop_diuretic,
  case when cramps.takes_thiazide then 1 else 2 end as thiazide_diuretic,
  case when cramps.takes_potassium_sparing then 1 else 2 end as potassium_sparing_diuretic,
  case when cramps.takes_beta_agonist then 1 else 2 end as beta_agonist,
  case when cramps.takes_beta_agonist and cramps.is_long_acting then 1 else 2 end as long_acting_beta_agonist,
  case when cramps.takes_statin then 1 else 2 end as statin,
  case when cramps.is_vigorous then 1 else 2 end as vigorous_activity,
  case when cramps.is_moderate then 1 else 2 end as moderate_activity,
  cast(
    30 * round(
      greatest(1.0, least(30.0, (case when cramps.is_vigorous or cramps.is_moderate then 9 else 12 end)
        + 2.2 * ln(cramps.u_sitting / (1 - cramps.u_sitting))))
    ) as integer
  ) as sitting_minutes,
  case when cramps.has_dietary_day then round(least(2000.0, greatest(20.0, 270 * exp(0.24 * ln(cramps.u_magnesium / (1 - cramps.u_magnesium))))), 1) end
    as magnesium_mg,
  case when cramps.is_examined then cramps.bmi end as bmi,
  case
    when cramps.tendency <= 0 then 0
    when cramps.tendency <= 0.45 * cramps.often_from then 1
    when cramps.tendency <= cramps.often_from then 2
    when cramps.tendency <= cramps.often_from + 0.9 then 3
    else 4
  end as leg_cramps,
  1.0 as interview_weight,
  case when cramps.is_examined then 1 / 0.95 else 0 end as exam_weight,
  case when cramps.has_dietary_day then 1 / (0.95 * 0.88) else 0 end as dietary_weight,
  cramps.stratum,
  cramps.psu,
  -- how much more likely than others of the same unit this person is to be drawn
  case when cramps.age >= 80 then 3.0 when cramps.age >= 60 then 2.0 when cramps.age < 20 then 1.5 else 1.0 end as oversampling
from cramps
order by cramps.person
