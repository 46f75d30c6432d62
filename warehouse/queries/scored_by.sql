-- Which of these studies a model version has scored.
-- parameters: study_ids (a list), model_version
-- study_id
SELECT study_id FROM predictions
WHERE model_version = $model_version AND study_id IN (SELECT unnest($study_ids::VARCHAR[]))
