-- Which variables do not mean the same in two waves?
-- recoded: different as delivered, the same here; not_comparable: never pooled, so that pooled rows of them are NULL.
select source, variable, wave, other_wave, verdict, reason, reference
from meta.comparability
where verdict <> 'identical'
order by source, variable, wave, other_wave
