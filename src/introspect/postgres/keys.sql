,
-- Columns that older versions lack: inside a lateral sub-query the catalog's own column is found
-- first, and else this one. (to_jsonb(row) ->> 'column' would do, too, in ten times the time.)
absent(indnullsnotdistinct) AS (VALUES (false)),  -- PostgreSQL 15
-- PostgreSQL 18: NOT NULL may be NOT VALID; what it covers may hold nulls and identifies nothing.
unproven AS MATERIALIZED (
    SELECT conrelid, conkey[1] AS attnum FROM pg_constraint WHERE contype = 'n' AND NOT convalidated
)
SELECT json_build_object('of', i.indrelid::int8, 'it', json_build_object(
           'index', i.indexrelid::int8,
           'key', json_build_object(
               'name', x.relname,
               'columns', k.columns,
               'primary', i.indisprimary,
               'not_null', k.not_null,
               'nulls_not_distinct', i.nulls_not_distinct)))::text
  FROM relation r
  CROSS JOIN absent
  CROSS JOIN LATERAL (
    SELECT *, indnullsnotdistinct AS nulls_not_distinct FROM pg_index
     WHERE indrelid = r.oid AND indisunique AND indisvalid AND indimmediate
       AND indpred IS NULL AND indexprs IS NULL
       -- By the column's own collation it is not unique where only that one takes different texts for equal.
       AND NOT EXISTS (
           SELECT FROM unnest(indkey::int2[], indcollation::oid[]) u(attnum, oid)
             JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = u.attnum
             JOIN pg_collation l ON l.oid = a.attcollation AND NOT l.collisdeterministic
            WHERE u.oid <> l.oid)
  ) i
  JOIN pg_class x ON x.oid = i.indexrelid
  CROSS JOIN LATERAL (
    SELECT array_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) AS columns,
           bool_and(a.attnotnull
               AND (a.attrelid, a.attnum) NOT IN (SELECT conrelid, attnum FROM unproven)) AS not_null
      FROM pg_attribute a  -- indkey counts from 0; INCLUDE's columns come last
     WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
  ) k
 ORDER BY i.indrelid, i.indisprimary DESC, x.relname
