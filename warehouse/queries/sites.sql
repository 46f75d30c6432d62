-- Each site's newest version as of a commit; the columns are those of records.Site.
SELECT * EXCLUDE (commit_number) FROM sites WHERE commit_number <= $commit
QUALIFY row_number() OVER (PARTITION BY site_id ORDER BY commit_number DESC) = 1
ORDER BY site_id
