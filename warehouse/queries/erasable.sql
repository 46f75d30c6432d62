-- What an erasure has to remove: the studies of a patient, or those older than a day.
-- parameters: patient_key, older_than (one of them; the other NULL)
-- study_id; content_hash; site_id. Resends of those studies are among them.
WITH chosen AS (
    SELECT study_id, content_hash, site_id FROM studies
    WHERE patient_key = $patient_key
        OR coalesce(acquired_date, received_at::DATE) < $older_than::DATE
)
SELECT study_id, content_hash, site_id FROM chosen
UNION
SELECT resend.study_id, resend.content_hash, resend.site_id
FROM resends AS resend JOIN chosen ON resend.first_study_id = chosen.study_id
ORDER BY study_id
