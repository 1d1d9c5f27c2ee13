-- What is older than the latest delivery, or was held back, and who has to act?
-- No row: nothing stands in the way. is_stale means that readers see what was accepted before; cause says whether the delivery,
-- our contract, our harmonisation or an estimate has to be mended.
select source, wave, verdict, is_stale, held_back, cause, reason, accepted_at, rejected_at
from meta.deliveries
where is_stale or verdict = 'rejected'
order by source, wave
