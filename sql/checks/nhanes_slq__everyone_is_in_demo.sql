-- one row per answer to the sleep questionnaire of somebody who is not in the demographic file
select slq.SEQN
from raw.nhanes_slq as slq
left join raw.nhanes_demo as demo on demo.SEQN = slq.SEQN
where demo.SEQN is null
