-- Which of these keyed hashes stand for something that was erased.
-- parameters: marks (a list of ingest.identity.Pseudonymiser.erased_key)
-- erased_hash; erased_at: of a patient, whose later X-rays are taken (NULL: never taken again)
SELECT erased_hash, NULL::TIMESTAMPTZ AS erased_at FROM erased
WHERE erased_hash IN (SELECT unnest($marks::VARCHAR[]))
UNION ALL
SELECT request_hash AS erased_hash, max(erased_at) AS erased_at FROM erasures
WHERE request_hash IN (SELECT unnest($marks::VARCHAR[])) GROUP BY request_hash
