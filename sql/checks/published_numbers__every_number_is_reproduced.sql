-- one row per published number that the files of its source do not reproduce
select study || ': ' || statement || ', ' || wave as named
from report.published_numbers
where not is_reproduced
