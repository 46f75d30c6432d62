-- The Parquet files that DuckLake reads for the rows of now.
-- files; bytes
SELECT count(*) AS files, coalesce(sum(file_size_bytes), 0)::BIGINT AS bytes
FROM __ducklake_metadata_w.ducklake_data_file WHERE end_snapshot IS NULL
