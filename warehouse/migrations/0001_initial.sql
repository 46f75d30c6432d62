-- The first shape of the warehouse. DuckLake has no keys or constraints: that no study is
-- there twice is the work of store.py, which says how. Every row carries the number of the
-- commit that wrote it; nothing is ever updated.

CREATE TABLE commits (
    commit_number BIGINT,
    recorded_at TIMESTAMPTZ,
    kind VARCHAR,
    software_version VARCHAR
);

CREATE TABLE sites (
    site_id VARCHAR,
    name VARCHAR,
    region VARCHAR,
    latitude DOUBLE,
    longitude DOUBLE,
    time_zone VARCHAR,
    catchment BIGINT,
    catchment_under5 BIGINT,
    icu_beds BIGINT,
    isolation_beds BIGINT,
    commit_number BIGINT
);

CREATE TABLE regions (
    region VARCHAR,
    name VARCHAR,
    geometry VARCHAR,
    commit_number BIGINT
);

CREATE TABLE models (
    model_version VARCHAR,
    card VARCHAR,
    weights_digest VARCHAR,
    commit_number BIGINT
);

CREATE TABLE promotions (
    model_version VARCHAR,
    promoted_at TIMESTAMPTZ,
    commit_number BIGINT
);

CREATE TABLE studies (
    study_id VARCHAR,
    content_hash VARCHAR,
    patient_key VARCHAR,
    site_id VARCHAR,
    acquired_at TIMESTAMPTZ,
    acquired_date DATE,
    received_at TIMESTAMPTZ,
    age_years DOUBLE,
    sex VARCHAR,
    view VARCHAR,
    source VARCHAR,
    flags VARCHAR,
    commit_number BIGINT
);

CREATE TABLE predictions (
    study_id VARCHAR,
    model_version VARCHAR,
    probability DOUBLE,
    p_bacterial DOUBLE,
    p_viral DOUBLE,
    in_scope BOOLEAN,
    label VARCHAR,
    threshold DOUBLE,
    quality_score DOUBLE,
    scope_score DOUBLE,
    predicted_at TIMESTAMPTZ,
    commit_number BIGINT
);

CREATE TABLE rejections (
    rejection_id VARCHAR,
    reason VARCHAR,
    sentence VARCHAR,
    site_id VARCHAR,
    file_key VARCHAR,
    received_at TIMESTAMPTZ,
    commit_number BIGINT
);
