SELECT k.conrelid::text, k.conname::text, pg_get_expr(k.conbin, k.conrelid),
       (SELECT coalesce(json_agg(a.attname), '[]')::text FROM unnest(k.conkey) u(attnum)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum)
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE k.contype = 'c' AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY k.conrelid, k.conname
