-- The X-rays that a reader could be asked to confirm: in the scope of a model version, with an
-- image, without a confirmed label, as of a commit.
--
-- parameters: commit, model_version, sites (a list; NULL keeps all)
-- columns
--   study_id            in this order
--   site_id
--   probability, threshold   as that version said
SELECT study.study_id, study.site_id, prediction.probability, prediction.threshold
FROM studies AS study
JOIN predictions AS prediction USING (study_id)
WHERE study.commit_number <= $commit
    AND prediction.commit_number <= $commit
    AND prediction.model_version = $model_version
    AND prediction.in_scope
    AND study.source <> 'simulated'
    AND ($sites IS NULL OR list_contains($sites, study.site_id))
    AND study.study_id NOT IN (SELECT study_id FROM labels WHERE commit_number <= $commit)
ORDER BY study.study_id
