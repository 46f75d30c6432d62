-- A plan's X-rays beside what was confirmed of them since, as of a commit.
--
-- parameters: plan_id, commit
-- columns
--   study_id, site_id
--   stratum                 of score and site
--   inclusion_probability   with which it was drawn
--   model_version           whose scores the plan was about
--   said                    that version's label
--   confirmed               the latest label; NULL: none yet
WITH latest AS (
    SELECT study_id, arg_max(label, commit_number) AS label
    FROM labels WHERE commit_number <= $commit GROUP BY study_id
)
SELECT
    plan.study_id,
    study.site_id,
    plan.stratum,
    plan.inclusion_probability,
    plan.model_version,
    prediction.label AS said,
    latest.label AS confirmed
FROM label_plans AS plan
JOIN studies AS study USING (study_id)
JOIN predictions AS prediction
    ON prediction.study_id = plan.study_id AND prediction.model_version = plan.model_version
LEFT JOIN latest ON latest.study_id = plan.study_id
WHERE plan.plan_id = $plan_id AND plan.commit_number <= $commit
ORDER BY plan.study_id
