-- The same pixels that a site sent again under a new id: kept as a fact, counted nowhere.
CREATE TABLE resends (
    study_id VARCHAR,
    first_study_id VARCHAR,
    content_hash VARCHAR,
    site_id VARCHAR,
    received_at TIMESTAMPTZ,
    commit_number BIGINT
);
