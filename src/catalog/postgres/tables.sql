-- Ordinary and partitioned tables; a partition stands behind its topmost parent.
WITH RECURSIVE tops AS (
    SELECT c.oid, c.oid AS top FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT h.inhrelid, t.top FROM tops t JOIN pg_inherits h ON h.inhparent = t.oid
      JOIN pg_class c ON c.oid = h.inhrelid AND c.relispartition
), seen AS (
    SELECT t.top,
           json_agg(json_build_object('name', g.name, 'delete', g.on_delete, 'update', g.on_update, 'firing', g.firing)) AS triggers
      FROM tops t JOIN (
        SELECT tgrelid AS rel, tgname::text AS name, (tgtype::int & 8) <> 0 AS on_delete,
               (tgtype::int & 16) <> 0 AS on_update, tgenabled::text AS firing
          FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND (tgtype::int & 24) <> 0
        UNION ALL
        SELECT ev_class, 'rule ' || rulename, ev_type = '4', ev_type = '2', ev_enabled::text
          FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_type IN ('2', '4') AND ev_enabled <> 'D'
      ) g ON g.rel = t.oid
     GROUP BY t.top
)
SELECT c.oid::text, CASE WHEN pg_table_is_visible(c.oid) THEN NULL ELSE n.nspname::text END, c.relname::text,
       c.relkind::text,
       EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhparent = c.oid)::text,
       row_security_active(c.oid)::text,
       has_table_privilege(c.oid, 'SELECT')::text,
       (has_table_privilege(c.oid, 'UPDATE') OR has_any_column_privilege(c.oid, 'UPDATE'))::text,
       has_table_privilege(c.oid, 'DELETE')::text,
       (CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::int8 END)::text,
       coalesce(s.triggers, '[]'::json)::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN seen s ON s.top = c.oid
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname, c.relname
