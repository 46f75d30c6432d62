-- Every version of every saved cohort as of a commit, by name, oldest first.
-- The columns are those of cohorts.registry's record Saved.
SELECT name, version, definition, definition_hash, saved_at, commit_number
FROM cohorts WHERE commit_number <= $commit ORDER BY name, version
