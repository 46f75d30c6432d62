-- Every calibration that was fitted for a site as of a commit, oldest first: the last one of
-- a site and model version is in force. The columns are those of records.SiteCalibration.
SELECT * EXCLUDE (commit_number) FROM site_calibrations
WHERE commit_number <= $commit ORDER BY commit_number, site_id, model_version
