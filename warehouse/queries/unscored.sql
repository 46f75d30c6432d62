-- Studies that a model version has not scored. One row.
-- parameters: model_version
-- studies (all there are); unscored (their ids, a sorted list; simulated ones have no image)
SELECT
    count(*) AS studies,
    coalesce(list(study_id ORDER BY study_id) FILTER (
        WHERE study_id NOT IN (
            SELECT study_id FROM predictions WHERE model_version = $model_version
        )
    ), []) AS unscored
FROM studies
