-- one row per person of 16 years and older who is missing from the sleep questionnaire: a cut file misses some
select demo.SEQN
from raw.nhanes_demo as demo
left join raw.nhanes_slq as slq on slq.SEQN = demo.SEQN
where demo.RIDAGEYR >= 16 and slq.SEQN is null
