-- Where do the data come from, how are they cited, and what may be done with them?
-- One row per source; a synthetic source describes no real person and must not be reported as if it did.
select source, title, design, is_synthetic, citation, terms_of_use, homepage
from meta.sources
order by source
