-- Every X-ray as a cohort sees it, as of one commit: one row a study.
--
-- parameters
--   commit        rows of a later commit are not seen
-- columns
--   study_id, patient_key, site_id, age_years, sex, view, source, flags, acquired_date   as stored
--   acquired_at         orders the X-rays of one day; is not exported
--   received_date       the day (UTC) on which it arrived
--   region              of the site's newest version
--   synthetic           shows no patient
--   model_version, probability, p_bacterial, p_viral, in_scope, label, threshold
--                       of the current prediction (the model promoted last among those that
--                       scored it); NULL where none did
--   predicted_aetiology  of films labelled PNEUMONIA: bacterial or viral, whichever is likelier
--   confirmed_label, confirmed_aetiology   the latest that was loaded
--   index_date          NULL; the criterion `index` puts it there
WITH place AS (
    SELECT site_id, arg_max(region, commit_number) AS region
    FROM sites WHERE commit_number <= $commit GROUP BY site_id
),
promoted AS (
    SELECT model_version, max(commit_number) AS promoted_in
    FROM promotions WHERE commit_number <= $commit GROUP BY model_version
),
current_prediction AS (
    SELECT
        study_id,
        arg_max({
            'model_version': model_version, 'probability': probability,
            'p_bacterial': p_bacterial, 'p_viral': p_viral, 'in_scope': in_scope,
            'label': label, 'threshold': threshold
        }, promoted_in) AS best
    FROM predictions JOIN promoted USING (model_version)
    WHERE commit_number <= $commit
    GROUP BY study_id
),
confirmed AS (
    SELECT study_id, arg_max({'label': label, 'aetiology': aetiology}, commit_number) AS latest
    FROM labels WHERE commit_number <= $commit GROUP BY study_id
)
SELECT
    study.study_id,
    study.patient_key,
    study.site_id,
    place.region,
    study.acquired_date,
    study.acquired_at,
    study.received_at::DATE AS received_date,
    study.age_years,
    study.sex,
    study.view,
    study.source,
    study.source IN ('generated', 'simulated') AS synthetic,
    study.flags,
    best.model_version AS model_version,
    best.probability AS probability,
    best.p_bacterial AS p_bacterial,
    best.p_viral AS p_viral,
    best.in_scope AS in_scope,
    best.label AS label,
    best.threshold AS threshold,
    CASE WHEN best.label = 'PNEUMONIA' AND best.p_bacterial >= 0.5 THEN 'bacterial'
         WHEN best.label = 'PNEUMONIA' AND best.p_bacterial < 0.5 THEN 'viral'
    END AS predicted_aetiology,
    latest.label AS confirmed_label,
    latest.aetiology AS confirmed_aetiology,
    NULL::DATE AS index_date
FROM studies AS study
LEFT JOIN place USING (site_id)
LEFT JOIN current_prediction USING (study_id)
LEFT JOIN confirmed USING (study_id)
WHERE study.commit_number <= $commit
