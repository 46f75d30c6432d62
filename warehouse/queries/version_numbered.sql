-- One commit by its number.
-- commit_number; recorded_at
SELECT commit_number, recorded_at FROM commits WHERE commit_number = $number
