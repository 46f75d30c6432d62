-- Which studies changed between two snapshots, from the change feed that cube.py has fetched.
--
-- columns
--   study_id
--   is_new      came in since then, and nothing of it was deleted: the feed has all of it
--   is_erased   something of it was deleted
WITH inserted AS (SELECT DISTINCT study_id FROM temp.insertions_of_studies),
deleted AS (
    SELECT study_id FROM temp.deletions_of_studies
    UNION
    SELECT study_id FROM temp.deletions_of_predictions
),
touched AS (
    SELECT study_id FROM inserted
    UNION
    SELECT study_id FROM temp.insertions_of_predictions
    UNION
    SELECT study_id FROM deleted
)
SELECT
    study_id,
    study_id IN (FROM inserted) AND study_id NOT IN (FROM deleted) AS is_new,
    study_id IN (FROM deleted) AS is_erased
FROM touched
