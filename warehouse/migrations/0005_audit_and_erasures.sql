-- Who did what, each entry sealed with the hash of the one before it; and what was erased: a
-- tombstone without identity, and keyed hashes by which an erased X-ray is known when it
-- comes again.

CREATE TABLE audit (
    seq BIGINT,
    happened_at TIMESTAMPTZ,
    actor VARCHAR,
    action VARCHAR,
    object VARCHAR,
    details VARCHAR,
    previous_hash VARCHAR,
    hash VARCHAR,
    commit_number BIGINT
);

CREATE TABLE erasures (
    erasure_id VARCHAR,
    kind VARCHAR,
    erased_at TIMESTAMPTZ,
    actor VARCHAR,
    request_hash VARCHAR,
    older_than DATE,
    row_count BIGINT,
    study_count BIGINT,
    commit_number BIGINT
);

CREATE TABLE erased (
    erased_hash VARCHAR,
    commit_number BIGINT
);
