-- The keyed hash of a constant under the pseudonym key that the warehouse was begun with.
SELECT DISTINCT key_check FROM key_checks
