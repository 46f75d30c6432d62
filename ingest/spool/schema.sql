-- The spool's state, beside the payload files. One row an input, from the moment that its
-- sender is told that it was received; nothing here names a patient or a file.
CREATE TABLE IF NOT EXISTS entries (
    entry_id TEXT PRIMARY KEY,    -- keyed hash of site and bytes
    door TEXT NOT NULL,           -- watch, dicom or stow
    study_id TEXT,                -- keyed hash of the SOPInstanceUID, where there is one
    facts TEXT NOT NULL,          -- JSON of ingest.facts.Facts
    payload TEXT,                 -- file under films/, NULL where there is none (any more)
    bytes INTEGER NOT NULL,       -- of the payload
    received_at TEXT NOT NULL,    -- UTC
    deliveries INTEGER NOT NULL,  -- how often it came in
    tries INTEGER NOT NULL,       -- how often a worker has begun it and nothing else
    outcome TEXT,                 -- NULL while it waits; predicted, duplicate or rejected
    reason TEXT,                  -- of a rejection
    sentence TEXT,
    settled_at TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS waiting ON entries (received_at) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS by_study ON entries (study_id);
CREATE INDEX IF NOT EXISTS by_settling ON entries (settled_at);
-- How many entries a worker takes at once: less after it died over some, more when it did not.
CREATE TABLE IF NOT EXISTS pace (entries INTEGER NOT NULL) STRICT;
-- Storage commitment requests that were not reported yet. What they name is sealed under the
-- home's key: UIDs are not kept in clear, and a report must give back the very ones asked for.
CREATE TABLE IF NOT EXISTS commitments (
    transaction_id TEXT PRIMARY KEY,  -- keyed hash of AE title and Transaction UID
    ae_title TEXT NOT NULL,           -- who asked
    address TEXT NOT NULL,            -- from where
    sealed BLOB NOT NULL,             -- Transaction UID and references
    requested_at REAL NOT NULL,       -- seconds since 1970
    due_at REAL NOT NULL,             -- when to try (again)
    tries INTEGER NOT NULL
) STRICT;
