-- Refusals that an erasure has to remove: by id, by what stands for a study's file name, those
-- that name the pixels of its film, and those older than a day.
-- parameters: rejection_ids, file_keys, content_hashes (lists), older_than (NULL: none)
-- rejection_id
SELECT rejection_id FROM rejections
WHERE rejection_id IN (SELECT unnest($rejection_ids::VARCHAR[]))
    OR file_key IN (SELECT unnest($file_keys::VARCHAR[]))
    OR received_at::DATE < $older_than::DATE
    OR reason = 'id_collision' AND len(list_intersect(
        regexp_extract_all(sentence, '[0-9a-zA-Z-]{8,}'), $content_hashes::VARCHAR[]
    )) > 0
