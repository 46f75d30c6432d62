-- X-rays and labels counted by period, place and stratum, as of one commit.
--
-- parameters
--   commit        rows of a later commit are not seen
--   period        day, week or month
--   mmwr          weeks begin on Sunday (else on Monday, ISO)
--   first, last   days at the site, both included; NULL is open
--   regions, sites  lists to keep; NULL keeps all
--   by_region, by_site, by_age, by_sex  what to group by
-- columns
--   period_start  first day of the period
--   region, site_id, age_group, sex   NULL where not grouped by
--   xrays         readable studies with a date
--   in_scope      those with a label
--   positive      those labelled PNEUMONIA
--   bacterial     the positive ones that are rather bacterial than viral
--   simulated, generated   studies without an image, and with a synthetic one
--   model_versions  the versions that scored them
--   classifiers   one struct for each model version and site calibration that labelled any:
--                 model_version, calibration_id (NULL: the card's threshold), in_scope, positive
WITH place AS (
    SELECT * FROM sites WHERE commit_number <= $commit
    QUALIFY row_number() OVER (PARTITION BY site_id ORDER BY commit_number DESC) = 1
),
promoted AS (
    SELECT model_version, max(commit_number) AS promoted_in
    FROM promotions WHERE commit_number <= $commit GROUP BY model_version
),
-- A study's current prediction is a rule, not an update: the one that was made by the
-- model promoted last, among those that have scored it.
current_prediction AS (
    SELECT
        study_id,
        arg_max({
            'label': label, 'p_bacterial': p_bacterial, 'version': model_version,
            'calibration_id': calibration_id
        }, promoted_in) AS best
    FROM predictions JOIN promoted USING (model_version)
    WHERE commit_number <= $commit
    GROUP BY study_id
),
counted AS (
    SELECT
        CASE $period
            WHEN 'day' THEN study.acquired_date
            WHEN 'month' THEN date_trunc('month', study.acquired_date)::DATE
            ELSE study.acquired_date - (CASE WHEN $mmwr THEN dayofweek(study.acquired_date)
                                        ELSE isodow(study.acquired_date) - 1 END)::INTEGER
        END AS period_start,
        CASE WHEN $by_region THEN place.region END AS region,
        CASE WHEN $by_site THEN study.site_id END AS site_id,
        CASE WHEN $by_age THEN CASE
            WHEN study.age_years IS NULL THEN 'unknown'
            WHEN study.age_years < 5 THEN '0-4'
            WHEN study.age_years < 15 THEN '5-14'
            WHEN study.age_years < 45 THEN '15-44'
            WHEN study.age_years < 65 THEN '45-64'
            ELSE '65+' END END AS age_group,
        CASE WHEN $by_sex THEN coalesce(study.sex, 'unknown') END AS sex,
        study.source,
        best
    FROM studies AS study
    JOIN current_prediction USING (study_id)
    LEFT JOIN place ON place.site_id = study.site_id
    WHERE study.commit_number <= $commit
        AND study.acquired_date IS NOT NULL
        AND ($first IS NULL OR study.acquired_date >= $first)
        AND ($last IS NULL OR study.acquired_date <= $last)
        AND ($regions IS NULL OR list_contains($regions, place.region))
        AND ($sites IS NULL OR list_contains($sites, study.site_id))
),
-- One row a group and classifier first, so that each keeps its own counts.
by_classifier AS (
    SELECT
        period_start, region, site_id, age_group, sex,
        best.version AS model_version,
        best.calibration_id AS calibration_id,
        count(*) AS xrays,
        count(best.label) AS in_scope,
        count(*) FILTER (WHERE best.label = 'PNEUMONIA') AS positive,
        count(*) FILTER (WHERE best.label = 'PNEUMONIA' AND best.p_bacterial >= 0.5) AS bacterial,
        count(*) FILTER (WHERE source = 'simulated') AS simulated,
        count(*) FILTER (WHERE source = 'generated') AS generated
    FROM counted
    GROUP BY ALL
)
SELECT
    period_start,
    region,
    site_id,
    age_group,
    sex,
    sum(xrays)::BIGINT AS xrays,
    sum(in_scope)::BIGINT AS in_scope,
    sum(positive)::BIGINT AS positive,
    sum(bacterial)::BIGINT AS bacterial,
    sum(simulated)::BIGINT AS simulated,
    sum(generated)::BIGINT AS generated,
    list_sort(list_distinct(list(model_version))) AS model_versions,
    list({
        'model_version': model_version, 'calibration_id': calibration_id,
        'in_scope': in_scope, 'positive': positive
    } ORDER BY model_version, calibration_id NULLS FIRST) FILTER (WHERE in_scope > 0) AS classifiers
FROM by_classifier
GROUP BY period_start, region, site_id, age_group, sex
ORDER BY ALL
