-- one row per answer to the questionnaire on diabetes of somebody who is not in the demographic file
select diq.SEQN
from raw.nhanes_diq as diq
left join raw.nhanes_demo as demo on demo.SEQN = diq.SEQN
where demo.SEQN is null
