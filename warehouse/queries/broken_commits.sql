-- What is wrong with commit numbers, which rise by one and whose times never fall.
-- kind; broken; example
WITH numbered AS (
    SELECT
        commit_number, recorded_at,
        lag(commit_number) OVER (ORDER BY commit_number) AS before,
        lag(recorded_at) OVER (ORDER BY commit_number) AS earlier
    FROM commits
)
SELECT kind, count(*) AS broken, min(commit_number)::VARCHAR AS example FROM (
    SELECT 'commit numbers twice' AS kind, commit_number FROM numbered WHERE commit_number = before
    UNION ALL
    SELECT 'gaps before commit numbers', commit_number FROM numbered
    WHERE commit_number > coalesce(before, 0) + 1
    UNION ALL
    SELECT 'commits earlier than the one before', commit_number FROM numbered
    WHERE recorded_at < earlier
) AS found
GROUP BY kind ORDER BY kind
