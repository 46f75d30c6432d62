-- The files of an added model, in pieces: one row a piece, in order. A version that was added
-- again after its files were damaged has the newest ones.
--   $model_version
SELECT suffix, part, content
FROM model_files
WHERE model_version = $model_version
QUALIFY commit_number = max(commit_number) OVER ()
ORDER BY suffix, part
