-- counts.sql for a reader that holds the cube: the same parameters, but by_age and by_sex; the
-- same columns, and the same rows. cube.py asks cube.weeks in place of cube.cells where whole
-- ISO weeks are asked for: the same columns, `day` is the Monday. It sorts
-- the classifiers too: an ordered list costs half of the time here.
WITH place AS (
    SELECT * FROM cube.sites WHERE commit_number <= $commit
    QUALIFY row_number() OVER (PARTITION BY site_id ORDER BY commit_number DESC) = 1
),
by_classifier AS (
    SELECT
        CASE $period
            WHEN 'day' THEN cell.day
            WHEN 'month' THEN date_trunc('month', cell.day)::DATE
            ELSE cell.day - (CASE WHEN $mmwr THEN dayofweek(cell.day)
                             ELSE isodow(cell.day) - 1 END)::INTEGER
        END AS period_start,
        CASE WHEN $by_region THEN place.region END AS region,
        CASE WHEN $by_site THEN cell.site_id END AS site_id,
        cell.model_version,
        cell.calibration_id,
        sum(xrays) AS xrays,
        sum(in_scope) AS in_scope,
        sum(positive) AS positive,
        sum(bacterial) AS bacterial,
        sum(simulated) AS simulated,
        sum(generated) AS generated
    FROM cube.cells AS cell
    LEFT JOIN place ON place.site_id = cell.site_id
    WHERE cell.commit_number <= $commit
        AND ($first IS NULL OR cell.day >= $first)
        AND ($last IS NULL OR cell.day <= $last)
        AND ($regions IS NULL OR list_contains($regions, place.region))
        AND ($sites IS NULL OR list_contains($sites, cell.site_id))
    GROUP BY ALL
    HAVING sum(xrays) > 0
)
SELECT
    period_start,
    region,
    site_id,
    NULL AS age_group,
    NULL AS sex,
    sum(xrays)::BIGINT AS xrays,
    sum(in_scope)::BIGINT AS in_scope,
    sum(positive)::BIGINT AS positive,
    sum(bacterial)::BIGINT AS bacterial,
    sum(simulated)::BIGINT AS simulated,
    sum(generated)::BIGINT AS generated,
    list_sort(list_distinct(list(model_version))) AS model_versions,
    list({
        'model_version': model_version, 'calibration_id': calibration_id,
        'in_scope': in_scope::BIGINT, 'positive': positive::BIGINT
    }) FILTER (WHERE in_scope > 0) AS classifiers
FROM by_classifier
GROUP BY period_start, region, site_id
ORDER BY ALL
