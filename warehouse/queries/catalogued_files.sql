-- The Parquet files that the catalog names.
-- path; relative: to the data path; bytes; rows (NULL of delete files); waiting: replaced,
-- and to be removed after the safe age
SELECT
    concat_ws('/', CASE WHEN file.path_is_relative THEN rtrim(schema.path, '/') END,
        CASE WHEN file.path_is_relative THEN rtrim(own.path, '/') END, file.path) AS path,
    file.path_is_relative AS relative,
    file.file_size_bytes AS bytes, file.record_count AS row_count, false AS waiting
FROM __ducklake_metadata_w.ducklake_data_file AS file
JOIN __ducklake_metadata_w.ducklake_table AS own
    ON own.table_id = file.table_id AND own.end_snapshot IS NULL
JOIN __ducklake_metadata_w.ducklake_schema AS schema ON schema.schema_id = own.schema_id
UNION ALL
SELECT
    concat_ws('/', CASE WHEN file.path_is_relative THEN rtrim(schema.path, '/') END,
        CASE WHEN file.path_is_relative THEN rtrim(own.path, '/') END, file.path),
    file.path_is_relative, file.file_size_bytes, NULL, false
FROM __ducklake_metadata_w.ducklake_delete_file AS file
JOIN __ducklake_metadata_w.ducklake_table AS own
    ON own.table_id = file.table_id AND own.end_snapshot IS NULL
JOIN __ducklake_metadata_w.ducklake_schema AS schema ON schema.schema_id = own.schema_id
UNION ALL
SELECT path, path_is_relative, NULL, NULL, true
FROM __ducklake_metadata_w.ducklake_files_scheduled_for_deletion
