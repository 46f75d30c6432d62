-- X-rays by model version and probability of pneumonia, from the cube.
--
-- parameters    commit, first, last, regions, sites: as in counts.sql
-- columns
--   model_version
--   bins          20 counts, of probabilities from n/20 to (n + 1)/20; the last holds 1 too
WITH place AS (
    SELECT * FROM cube.sites WHERE commit_number <= $commit
    QUALIFY row_number() OVER (PARTITION BY site_id ORDER BY commit_number DESC) = 1
)
SELECT
    cell.model_version,
    [sum(s00)::BIGINT, sum(s01)::BIGINT, sum(s02)::BIGINT, sum(s03)::BIGINT,
     sum(s04)::BIGINT, sum(s05)::BIGINT, sum(s06)::BIGINT, sum(s07)::BIGINT,
     sum(s08)::BIGINT, sum(s09)::BIGINT, sum(s10)::BIGINT, sum(s11)::BIGINT,
     sum(s12)::BIGINT, sum(s13)::BIGINT, sum(s14)::BIGINT, sum(s15)::BIGINT,
     sum(s16)::BIGINT, sum(s17)::BIGINT, sum(s18)::BIGINT, sum(s19)::BIGINT] AS bins
FROM cube.cells AS cell
LEFT JOIN place ON place.site_id = cell.site_id
WHERE cell.commit_number <= $commit
    AND ($first IS NULL OR cell.day >= $first)
    AND ($last IS NULL OR cell.day <= $last)
    AND ($regions IS NULL OR list_contains($regions, place.region))
    AND ($sites IS NULL OR list_contains($sites, cell.site_id))
GROUP BY cell.model_version
HAVING sum(xrays) > 0
ORDER BY ALL
