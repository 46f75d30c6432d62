-- The last commit that was recorded by a time (no row: there was none yet).
-- commit_number; recorded_at
SELECT commit_number, recorded_at FROM commits
WHERE recorded_at <= $at ORDER BY commit_number DESC LIMIT 1
