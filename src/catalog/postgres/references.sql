-- One foreign key of a partitioned table has a row per partition: conparentid = 0 keeps the one
-- that was declared. Either end may be a partition; it stands behind its topmost parent.
WITH RECURSIVE tops AS (
    SELECT c.oid, c.oid AS top FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT h.inhrelid, t.top FROM tops t JOIN pg_inherits h ON h.inhparent = t.oid
      JOIN pg_class c ON c.oid = h.inhrelid AND c.relispartition
), unwatched AS (
    SELECT DISTINCT tgconstraint FROM pg_trigger
     WHERE tgisinternal AND tgconstraint <> 0 AND tgenabled IN ('D', 'R')
)
SELECT k.conname::text, ct.top::text, pt.top::text, cols.child, cols.parent,
       k.confdeltype::text, (k.confmatchtype = 'f')::text, k.condeferrable::text, k.condeferred::text,
       k.convalidated::text,
       (coalesce((to_jsonb(k)->>'conenforced')::bool, true) AND u.tgconstraint IS NULL)::text,   -- PostgreSQL 18
       (SELECT json_agg(da.attname)::text
          FROM jsonb_array_elements_text(nullif(to_jsonb(k)->'confdelsetcols', 'null')) x        -- PostgreSQL 15
          JOIN pg_attribute da ON da.attrelid = k.conrelid AND da.attnum = x::int2),
       (SELECT ic.relname::text FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
         WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
           AND i.indnkeyatts >= cardinality(k.conkey)
           AND (SELECT array_agg(x ORDER BY x) FROM unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) x)
             = (SELECT array_agg(x ORDER BY x) FROM unnest(k.conkey) x)
         ORDER BY i.indnkeyatts, i.indexrelid LIMIT 1),
       cols.operators,
       CASE WHEN c.relispartition AND NOT pg_table_is_visible(c.oid) THEN n.nspname::text END,
       CASE WHEN c.relispartition THEN c.relname::text END
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN tops ct ON ct.oid = k.conrelid JOIN tops pt ON pt.oid = k.confrelid
  LEFT JOIN unwatched u ON u.tgconstraint = k.oid
  CROSS JOIN LATERAL (
    SELECT json_agg(ca.attname ORDER BY u.ord)::text AS child, json_agg(pa.attname ORDER BY u.ord)::text AS parent,
           json_agg(CASE WHEN opn.nspname <> 'pg_catalog'
                    THEN format('OPERATOR(%I.%s)', opn.nspname, op.oprname) END ORDER BY u.ord)::text AS operators
      FROM unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS u(ck, pk, eq, ord)
      JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.ck
      JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.pk
      JOIN pg_operator op ON op.oid = u.eq JOIN pg_namespace opn ON opn.oid = op.oprnamespace) cols
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY n.nspname, c.relname, k.conname
