-- Which of these studies the warehouse does not have.
-- parameters: study_ids (a list)
-- study_id
SELECT study_id FROM (SELECT unnest($study_ids::VARCHAR[]) AS study_id) AS asked
WHERE study_id NOT IN (SELECT study_id FROM studies)
    AND study_id NOT IN (SELECT study_id FROM resends)
ORDER BY study_id
