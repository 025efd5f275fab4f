-- The statements that made tables, indexes and triggers. An index that belongs to a constraint has none.
SELECT type, name, tbl_name, sql FROM main.sqlite_schema
 WHERE type IN ('table', 'trigger') OR (type = 'index' AND sql IS NOT NULL) ORDER BY name;
