-- Every study, and whether it came as a film that could be kept (simulated ones have none).
-- study_id; imaged
SELECT study_id, source <> 'simulated' AS imaged FROM studies ORDER BY study_id
