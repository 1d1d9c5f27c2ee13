-- one row per person of 16 years and older who is missing from the questionnaire on blood pressure: a cut file misses some
select demo.SEQN
from raw.nhanes_demo as demo
left join raw.nhanes_bpq as bpq on bpq.SEQN = demo.SEQN
where demo.RIDAGEYR >= 16 and bpq.SEQN is null
