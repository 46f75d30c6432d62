-- One row: how large a cohort is. `cohort` is the last step of a compiled definition.
-- xrays; participants (known ones); without_participant (X-rays); synthetic (X-rays);
-- first_day, last_day; model_versions (a sorted list)
SELECT
    count(*) AS xrays,
    count(DISTINCT patient_key) AS participants,
    count(*) FILTER (WHERE patient_key IS NULL) AS without_participant,
    count(*) FILTER (WHERE synthetic) AS synthetic,
    min(acquired_date) AS first_day,
    max(acquired_date) AS last_day,
    coalesce(list_sort(list(DISTINCT model_version)
        FILTER (WHERE model_version IS NOT NULL)), []) AS model_versions
FROM cohort
