-- Registered model versions with when each was last promoted (NULL: never).
-- model_version; card (JSON text); weights_digest; origin (shipped or added; NULL in rows of
-- the first release, which had shipped ones alone); promoted_at; promoted_in (commit)
SELECT model.model_version, model.card, model.weights_digest, model.origin,
       max(promotion.promoted_at) AS promoted_at, max(promotion.commit_number) AS promoted_in
FROM models AS model
LEFT JOIN promotions AS promotion
    ON promotion.model_version = model.model_version AND promotion.commit_number <= $commit
WHERE model.commit_number <= $commit
GROUP BY ALL ORDER BY promoted_in DESC NULLS LAST, model.model_version
