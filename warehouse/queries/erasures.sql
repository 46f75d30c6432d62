-- The tombstone of an erasure (no row: it has not been written).
-- parameters: erasure_id
SELECT * FROM erasures WHERE erasure_id = $erasure_id
