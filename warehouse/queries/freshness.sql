-- One row: how new and how whole the warehouse is as of a commit.
-- The columns are those of records.Freshness, less the version's own.
SELECT
    count(*) AS studies,
    max(acquired_at) AS last_acquired_at,
    max(received_at) AS last_received_at,
    count(*) FILTER (WHERE acquired_date IS NULL) AS no_date,
    count(*) FILTER (WHERE source = 'simulated') AS simulated,
    count(*) FILTER (WHERE source = 'generated') AS generated,
    (SELECT count(*) FROM rejections WHERE commit_number <= $commit) AS rejections,
    (SELECT arg_max(model_version, commit_number) FROM promotions
     WHERE commit_number <= $commit) AS model_version
FROM studies WHERE commit_number <= $commit
