-- Confirmed diagnoses, and what is fitted from them for each site. Models say where they came
-- from, so that an upgrade replaces a shipped model but never one that a user promoted; a
-- promotion says whether it was a rollback, so that two rollbacks go two steps back.

CREATE TABLE labels (
    study_id VARCHAR,
    label VARCHAR,
    aetiology VARCHAR,
    reader_key VARCHAR,
    read_at TIMESTAMPTZ,
    commit_number BIGINT
);

CREATE TABLE site_calibrations (
    calibration_id VARCHAR,
    site_id VARCHAR,
    model_version VARCHAR,
    slope DOUBLE,
    intercept DOUBLE,
    surveillance DOUBLE,
    screening DOUBLE,
    positives BIGINT,
    negatives BIGINT,
    true_positives BIGINT,
    false_negatives BIGINT,
    true_negatives BIGINT,
    false_positives BIGINT,
    fitted_at TIMESTAMPTZ,
    commit_number BIGINT
);

ALTER TABLE studies ADD COLUMN file_key VARCHAR;
ALTER TABLE predictions ADD COLUMN calibration_id VARCHAR;
ALTER TABLE models ADD COLUMN origin VARCHAR;
ALTER TABLE promotions ADD COLUMN kind VARCHAR;
