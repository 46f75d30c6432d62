-- Cells of the cube: the current predictions of the studies in temp.source_studies.
--
-- temp.source_studies and temp.source_predictions are views that cube.py points at the base,
-- or at what changed, at one snapshot; temp.source_promotions is who was promoted by then.
-- columns
--   site_id, day, model_version, calibration_id   what a cell is of
--   xrays, in_scope, positive, bacterial, simulated, generated   as in counts.sql: its labels
--   s00 … s19   X-rays by probability of pneumonia, in twentieths; the last holds 1 too
WITH promoted AS (
    SELECT model_version, max(commit_number) AS promoted_in
    FROM temp.source_promotions GROUP BY model_version
),
current_prediction AS (
    SELECT
        study_id,
        arg_max({
            'label': label, 'p_bacterial': p_bacterial, 'version': model_version,
            'calibration_id': calibration_id,
            'bin': least(greatest(floor(probability * 20), 0), 19)::UTINYINT
        }, promoted_in) AS best
    FROM temp.source_predictions JOIN promoted USING (model_version)
    GROUP BY study_id
)
SELECT
    study.site_id AS site_id,
    study.acquired_date AS day,
    best.version AS model_version,
    best.calibration_id AS calibration_id,
    count(*) AS xrays,
    count(best.label) AS in_scope,
    count(*) FILTER (WHERE best.label = 'PNEUMONIA') AS positive,
    count(*) FILTER (WHERE best.label = 'PNEUMONIA' AND best.p_bacterial >= 0.5) AS bacterial,
    count(*) FILTER (WHERE study.source = 'simulated') AS simulated,
    count(*) FILTER (WHERE study.source = 'generated') AS generated,
    count(*) FILTER (WHERE best.bin = 0) AS s00,
    count(*) FILTER (WHERE best.bin = 1) AS s01,
    count(*) FILTER (WHERE best.bin = 2) AS s02,
    count(*) FILTER (WHERE best.bin = 3) AS s03,
    count(*) FILTER (WHERE best.bin = 4) AS s04,
    count(*) FILTER (WHERE best.bin = 5) AS s05,
    count(*) FILTER (WHERE best.bin = 6) AS s06,
    count(*) FILTER (WHERE best.bin = 7) AS s07,
    count(*) FILTER (WHERE best.bin = 8) AS s08,
    count(*) FILTER (WHERE best.bin = 9) AS s09,
    count(*) FILTER (WHERE best.bin = 10) AS s10,
    count(*) FILTER (WHERE best.bin = 11) AS s11,
    count(*) FILTER (WHERE best.bin = 12) AS s12,
    count(*) FILTER (WHERE best.bin = 13) AS s13,
    count(*) FILTER (WHERE best.bin = 14) AS s14,
    count(*) FILTER (WHERE best.bin = 15) AS s15,
    count(*) FILTER (WHERE best.bin = 16) AS s16,
    count(*) FILTER (WHERE best.bin = 17) AS s17,
    count(*) FILTER (WHERE best.bin = 18) AS s18,
    count(*) FILTER (WHERE best.bin = 19) AS s19
FROM temp.source_studies AS study
JOIN current_prediction USING (study_id)
WHERE study.acquired_date IS NOT NULL
GROUP BY ALL
