-- Entries of the audit record, oldest first; the columns are those of audit.Entry.
-- parameters: first, last (times, both included), action; NULL keeps all
SELECT * FROM audit
WHERE ($first::TIMESTAMPTZ IS NULL OR happened_at >= $first) AND ($last::TIMESTAMPTZ IS NULL OR happened_at <= $last)
    AND ($action::VARCHAR IS NULL OR action = $action)
ORDER BY seq, hash
