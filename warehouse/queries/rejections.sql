-- What was refused and why, newest first, as of a commit.
SELECT rejection_id, reason, sentence, site_id, file_key, received_at, commit_number
FROM rejections WHERE commit_number <= $commit ORDER BY received_at DESC, rejection_id
