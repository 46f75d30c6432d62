-- The newest entry of the audit record (no row: there is none).
-- seq; hash
SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1
