,
owned_by_extension AS (
    SELECT objid AS oid FROM pg_depend
     WHERE classid = 'pg_class'::regclass AND deptype = 'e' AND objsubid = 0
),
relation AS (
    SELECT c.oid, c.relname, c.relkind, c.relpages, c.reltuples, n.nspname,
           has_schema_privilege(n.oid, 'USAGE') AS usable
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       -- An extension's tables are its own affair, unless they refer to the user's.
       AND (c.oid NOT IN (SELECT oid FROM owned_by_extension)
            OR c.oid IN (SELECT conrelid FROM pg_constraint
                          WHERE contype = 'f'
                            AND confrelid NOT IN (SELECT oid FROM owned_by_extension)))
)
-- What each table has is asked next.
SELECT json_build_object('of', r.oid::int8, 'it', json_build_object(
           'name', json_build_object(
               'schema', CASE WHEN visible.oid IS NULL THEN r.nspname END,
               'name', r.relname,
               'found_in', CASE WHEN visible.oid IS NOT NULL THEN r.nspname END),
           'kind', CASE
               WHEN r.relkind = 'p' THEN 'partitioned'
               WHEN EXISTS (SELECT FROM pg_inherits WHERE inhparent = r.oid) THEN 'inheritance_parent'
               ELSE 'ordinary' END,
           'row_security', row_security_active(r.oid),
           'privileges', json_build_object(
               'select', r.usable AND has_table_privilege(r.oid, 'SELECT'),
               'update', r.usable AND has_any_column_privilege(r.oid, 'UPDATE'),
               'delete', r.usable AND has_table_privilege(r.oid, 'DELETE'),
               'lock', r.usable AND has_any_column_privilege(r.oid, 'UPDATE')),
           'usable', r.usable,
           'estimated_rows', CASE
               -- "Never counted" is -1, up to PostgreSQL 13 an emptiness without pages. A partitioned table has none.
               WHEN r.relkind = 'r' AND (r.reltuples > 0 OR (r.reltuples = 0 AND
                   (r.relpages > 0 OR current_setting('server_version_num')::int >= 140000)))
               THEN r.reltuples::int8 END
       ))::text
  FROM relation r
  LEFT JOIN visible ON visible.oid = r.oid
 ORDER BY r.nspname, r.relname
