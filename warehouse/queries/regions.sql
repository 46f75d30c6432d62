-- Each region's newest version as of a commit; geometry is GeoJSON text or NULL.
SELECT * EXCLUDE (commit_number) FROM regions WHERE commit_number <= $commit
QUALIFY row_number() OVER (PARTITION BY region ORDER BY commit_number DESC) = 1
ORDER BY region
