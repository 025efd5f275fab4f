SELECT i.indrelid::text, ic.relname::text, i.indisprimary::text,
       coalesce((to_jsonb(i)->>'indnullsnotdistinct')::bool, false)::text,        -- PostgreSQL 15
       (SELECT json_agg(a.attname ORDER BY u.ord)::text
          FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, ord)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
         WHERE u.ord <= i.indnkeyatts)
  FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
   AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
 ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid
