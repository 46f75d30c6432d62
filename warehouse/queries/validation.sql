-- Confirmed X-rays counted by what a model version said of them, as of a commit. The columns are
-- those of validation's record Validation, less `period` and `period_end`.
--
-- parameters
--   commit        rows of a later commit are not seen
--   period        week or month, or NULL: all days as one
--   by_site       what to group by beside model version and threshold
-- columns
--   model_version, threshold
--   site_id                 NULL where not grouped by
--   period_start            first day (ISO weeks begin on Monday); NULL where not grouped by, and
--                           for X-rays without a date
--   true_positives, false_negatives, true_negatives, false_positives
--   out_of_scope            confirmed X-rays that the version gave no label
WITH latest AS (
    SELECT study_id, arg_max(label, commit_number) AS confirmed
    FROM labels WHERE commit_number <= $commit GROUP BY study_id
),
judged AS (
    SELECT
        prediction.model_version,
        prediction.threshold,
        CASE WHEN $by_site THEN study.site_id END AS site_id,
        CASE $period
            WHEN 'week' THEN date_trunc('week', study.acquired_date)::DATE
            WHEN 'month' THEN date_trunc('month', study.acquired_date)::DATE
        END AS period_start,
        confirmed,
        prediction.label AS said
    FROM latest
    JOIN studies AS study USING (study_id)
    JOIN predictions AS prediction USING (study_id)
    WHERE prediction.commit_number <= $commit AND study.commit_number <= $commit
)
SELECT
    model_version,
    threshold,
    site_id,
    period_start,
    count(*) FILTER (WHERE confirmed = 'PNEUMONIA' AND said = 'PNEUMONIA') AS true_positives,
    count(*) FILTER (WHERE confirmed = 'PNEUMONIA' AND said = 'NORMAL') AS false_negatives,
    count(*) FILTER (WHERE confirmed = 'NORMAL' AND said = 'NORMAL') AS true_negatives,
    count(*) FILTER (WHERE confirmed = 'NORMAL' AND said = 'PNEUMONIA') AS false_positives,
    count(*) FILTER (WHERE said IS NULL) AS out_of_scope
FROM judged
GROUP BY model_version, threshold, site_id, period_start
ORDER BY ALL
