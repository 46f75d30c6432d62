-- Every promotion as of a commit, oldest first.
-- model_version; kind (promote or rollback; NULL in rows of the first release: promote)
SELECT model_version, kind FROM promotions
WHERE commit_number <= $commit ORDER BY commit_number
