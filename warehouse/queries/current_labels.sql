-- The latest label of each of these studies; the columns are those of records.Label.
-- parameters: study_ids (a list), commit
SELECT * EXCLUDE (commit_number) FROM labels
WHERE commit_number <= $commit AND study_id IN (SELECT unnest($study_ids::VARCHAR[]))
QUALIFY row_number() OVER (PARTITION BY study_id ORDER BY commit_number DESC) = 1
