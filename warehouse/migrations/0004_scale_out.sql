-- For more than one machine. `turns` has one row, which every write transaction updates
-- before it looks: of two that overlap, one fails to commit (store.py says why that is
-- needed). `key_checks` holds a keyed hash of a constant, so that a machine with another
-- pseudonym key is refused. `model_files` carries added models to the other machines.

CREATE TABLE turns (turn BIGINT);

INSERT INTO turns VALUES (0);

CREATE TABLE key_checks (
    key_check VARCHAR,
    commit_number BIGINT
);

CREATE TABLE model_files (
    model_version VARCHAR,
    suffix VARCHAR,
    part BIGINT,
    content BLOB,
    commit_number BIGINT
);
