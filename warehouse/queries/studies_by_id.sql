-- These studies whole; the columns are those of ingest's record Study.
-- parameters: study_ids (a list)
SELECT * EXCLUDE (commit_number) FROM studies
WHERE study_id IN (SELECT unnest($study_ids::VARCHAR[])) ORDER BY study_id
