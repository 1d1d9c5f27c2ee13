-- Which variables do not mean the same in two waves?
-- recoded: different as delivered, the same here; not_comparable: never pooled, so that pooled rows of them are NULL;
-- condition: pooled only where it holds.
select source, variable, wave, other_wave, verdict, condition, reason, reference
from meta.comparability
where verdict <> 'identical' or condition is not null
order by source, variable, wave, other_wave
