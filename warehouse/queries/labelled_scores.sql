-- Confirmed studies beside what one model version said of them, in scope only, as of a commit.
--
-- parameters: commit, model_version
-- columns
--   site_id, study_id   in this order; study ids are hashes and say nothing of the film
--   positive            the latest label is PNEUMONIA
--   probability         as stored
--   slope, intercept    of the site calibration that is in it; NULL where none is
WITH latest AS (
    SELECT study_id, arg_max(label, commit_number) AS label
    FROM labels WHERE commit_number <= $commit GROUP BY study_id
),
fitted AS (
    SELECT DISTINCT calibration_id, slope, intercept
    FROM site_calibrations WHERE commit_number <= $commit
)
SELECT
    study.site_id,
    study.study_id,
    latest.label = 'PNEUMONIA' AS positive,
    prediction.probability,
    fitted.slope,
    fitted.intercept
FROM latest
JOIN studies AS study USING (study_id)
JOIN predictions AS prediction USING (study_id)
LEFT JOIN fitted USING (calibration_id)
WHERE prediction.model_version = $model_version
    AND prediction.commit_number <= $commit
    AND prediction.in_scope
    AND study.site_id IS NOT NULL
ORDER BY study.site_id, study.study_id
