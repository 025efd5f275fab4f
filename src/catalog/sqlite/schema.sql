-- The statements that made tables and triggers.
SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE type IN ('table', 'trigger') ORDER BY name;
