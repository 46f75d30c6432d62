-- The rows of a cohort, pseudonymous: what `cohort export` writes. The columns, their types and
-- their meanings are in cohorts/columns.py. `cohort` is the last step of a compiled definition.
SELECT
    patient_key,
    CASE WHEN patient_key IS NOT NULL THEN row_number() OVER (
        PARTITION BY patient_key ORDER BY acquired_date NULLS LAST, acquired_at, study_id
    ) END AS study_number,
    study_id,
    site_id,
    region,
    acquired_date,
    index_date,
    acquired_date - index_date AS days_from_index,
    age_years,
    sex,
    view,
    source,
    synthetic,
    flags,
    model_version,
    in_scope,
    probability,
    threshold,
    label,
    p_bacterial,
    p_viral,
    predicted_aetiology,
    confirmed_label,
    confirmed_aetiology
FROM cohort
ORDER BY patient_key NULLS LAST, acquired_date NULLS LAST, acquired_at, study_id
