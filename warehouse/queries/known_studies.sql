-- Which of these studies are there already, by id or by the same pixels at any site.
-- parameters: study_ids, content_hashes (lists). Callers hold each row against their own.
-- study_id; content_hash; site_id; received_at; resend: came as the same pixels under a new id
SELECT study_id, content_hash, site_id, received_at, false AS resend FROM studies
WHERE study_id IN (SELECT unnest($study_ids::VARCHAR[]))
    OR content_hash IN (SELECT unnest($content_hashes::VARCHAR[]))
UNION ALL
SELECT study_id, content_hash, site_id, received_at, true AS resend FROM resends
WHERE study_id IN (SELECT unnest($study_ids::VARCHAR[]))
