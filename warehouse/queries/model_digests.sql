-- The SHA-256 of each piece that is held of an added model, newest files only.
--   $model_version
SELECT suffix, part, sha256(content) AS digest
FROM model_files
WHERE model_version = $model_version
QUALIFY commit_number = max(commit_number) OVER ()
ORDER BY suffix, part
