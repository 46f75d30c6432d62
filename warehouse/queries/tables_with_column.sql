-- The warehouse's tables that have a column.
-- parameters: wanted (a column)
-- table_name
SELECT table_name FROM information_schema.columns
WHERE table_catalog = 'w' AND column_name = $wanted ORDER BY table_name
