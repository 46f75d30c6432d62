-- One study or none: whether the data can be reached at all.
-- study_id
SELECT study_id FROM studies LIMIT 1
