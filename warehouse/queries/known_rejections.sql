-- Which of these rejections are recorded already.
-- rejection_id
SELECT rejection_id FROM rejections
WHERE rejection_id IN (SELECT unnest($rejection_ids::VARCHAR[]))
