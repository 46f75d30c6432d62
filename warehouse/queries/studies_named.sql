-- Studies by id, by pixels or by the keyed hash of their file's name.
-- parameters: study_ids, content_hashes, file_keys (lists)
-- study_id; content_hash; file_key; site_id
SELECT study_id, content_hash, file_key, site_id FROM studies
WHERE study_id IN (SELECT unnest($study_ids::VARCHAR[]))
    OR content_hash IN (SELECT unnest($content_hashes::VARCHAR[]))
    OR file_key IN (SELECT unnest($file_keys::VARCHAR[]))
ORDER BY study_id
