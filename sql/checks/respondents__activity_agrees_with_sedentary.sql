-- one row per respondent whose activity level contradicts being sedentary
select respondent_id, is_sedentary, activity_level
from core.respondents
where activity_level is not null and is_sedentary <> (activity_level = 'none')
