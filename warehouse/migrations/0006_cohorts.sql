-- Saved cohorts, each change of one a new version; and which X-rays were drawn for confirmation,
-- with the probability that each one had of being drawn.

CREATE TABLE cohorts (
    name VARCHAR,
    version BIGINT,
    definition VARCHAR,
    definition_hash VARCHAR,
    saved_at TIMESTAMPTZ,
    commit_number BIGINT
);

CREATE TABLE label_plans (
    plan_id VARCHAR,
    study_id VARCHAR,
    stratum VARCHAR,
    drawn BIGINT,
    frame BIGINT,
    inclusion_probability DOUBLE,
    model_version VARCHAR,
    seed BIGINT,
    drawn_as_of BIGINT,
    commit_number BIGINT
);
