-- The last commit that was recorded by a time (no row: there was none yet).
-- commit_number; recorded_at; erased_in: the last commit that erased anything (NULL: none)
SELECT commit_number, recorded_at, (SELECT max(commit_number) FROM erasures) AS erased_in
FROM commits
WHERE recorded_at <= $at ORDER BY commit_number DESC LIMIT 1
