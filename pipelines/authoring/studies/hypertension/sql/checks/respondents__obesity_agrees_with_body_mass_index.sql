-- one row per respondent whose obesity contradicts the body mass index
select respondent_id, is_obese, body_mass_index_kg_m2
from core.respondents
where is_obese <> (body_mass_index_kg_m2 >= 30)
