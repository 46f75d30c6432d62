-- One commit by its number.
-- commit_number; recorded_at; erased_in: the last commit that erased anything (NULL: none)
SELECT commit_number, recorded_at, (SELECT max(commit_number) FROM erasures) AS erased_in
FROM commits WHERE commit_number = $number
