-- Rows that contradict one another, one line for each kind of which there are any.
-- kind; broken: how many; example: one of them
SELECT kind, count(*) AS broken, min(example) AS example FROM (
    SELECT 'duplicate studies' AS kind, study_id AS example
    FROM studies GROUP BY study_id HAVING count(*) > 1
    UNION ALL
    SELECT 'duplicate predictions', study_id || ' by ' || model_version
    FROM predictions GROUP BY study_id, model_version HAVING count(*) > 1
    UNION ALL
    SELECT 'duplicate rejections', rejection_id
    FROM rejections GROUP BY rejection_id HAVING count(*) > 1
    UNION ALL
    SELECT 'duplicate resends', study_id
    FROM resends GROUP BY study_id HAVING count(*) > 1
    UNION ALL
    SELECT 'the same film twice at a site', any_value(study_id)
    FROM studies WHERE source = 'image' GROUP BY site_id, content_hash HAVING count(*) > 1
    UNION ALL
    SELECT 'predictions without a study', study_id
    FROM predictions ANTI JOIN studies USING (study_id)
    UNION ALL
    SELECT 'studies without a prediction', study_id
    FROM studies ANTI JOIN predictions USING (study_id)
    UNION ALL
    SELECT 'labels for no study', study_id FROM labels ANTI JOIN studies USING (study_id)
    UNION ALL
    SELECT 'resends of no study', resend.study_id
    FROM resends AS resend ANTI JOIN studies AS study ON study.study_id = resend.first_study_id
    UNION ALL
    SELECT 'studies of an unknown site', study_id
    FROM studies ANTI JOIN sites USING (site_id) WHERE site_id IS NOT NULL
    UNION ALL
    SELECT 'predictions of an unknown model', study_id
    FROM predictions ANTI JOIN models USING (model_version)
    UNION ALL
    SELECT 'promotions of an unknown model', model_version
    FROM promotions ANTI JOIN models USING (model_version)
    UNION ALL
    SELECT 'predictions of an unknown calibration', study_id
    FROM predictions ANTI JOIN site_calibrations USING (calibration_id)
    WHERE calibration_id IS NOT NULL
) AS found
GROUP BY kind ORDER BY kind
