-- The newest commit.
-- commit_number; recorded_at
SELECT commit_number, recorded_at FROM commits ORDER BY commit_number DESC LIMIT 1
