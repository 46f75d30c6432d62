-- Every plan as of a commit, oldest first.
-- plan_id; model_version; seed; drawn_as_of and commit_number (commits); xrays
SELECT plan_id, model_version, seed, drawn_as_of, commit_number, count(*) AS xrays
FROM label_plans WHERE commit_number <= $commit GROUP BY ALL ORDER BY commit_number
