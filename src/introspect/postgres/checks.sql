,
absent(conenforced) AS (VALUES (true)),  -- Before PostgreSQL 18: see keys.sql.
table_check AS (
    SELECT k.conrelid, k.conname::text,
           -- The attribute 0 is the whole row: every column.
           CASE WHEN 0 = ANY (k.conkey) THEN '{}' ELSE ARRAY(
               SELECT a.attname FROM pg_attribute a
                WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                ORDER BY a.attnum) END AS columns,
           pg_get_expr(k.conbin, k.conrelid) AS expression
      FROM relation r
      CROSS JOIN absent
      CROSS JOIN LATERAL (
        SELECT * FROM pg_constraint WHERE conrelid = r.oid AND contype = 'c' AND conenforced
      ) k
),
-- A partition's own are about the rows that it takes.
partition_check AS (
    SELECT p.root AS conrelid, format('%s of %s', k.name, p.relname) AS conname, '{}'::name[] AS columns,
           format('NOT coalesce(%s, true) OR (%s)', pg_get_partition_constraintdef(p.oid), k.expression) AS expression
      FROM partition p
      CROSS JOIN absent
      CROSS JOIN LATERAL (
        SELECT conname AS name, pg_get_expr(conbin, conrelid) AS expression
          FROM pg_constraint WHERE conrelid = p.oid AND contype = 'c' AND coninhcount = 0 AND conenforced
        UNION ALL
        SELECT format('NOT NULL (%s)', a.attname), format('%I IS NOT NULL', a.attname)
          FROM pg_attribute a
          JOIN pg_attribute o ON o.attrelid = p.root AND o.attname = a.attname AND NOT o.attnotnull
         WHERE a.attrelid = p.oid AND a.attnum > 0 AND a.attnotnull
      ) k
),
-- A domain's VALUE is a column of that name to an expression outside of it.
domain_check AS (
    SELECT a.attrelid AS conrelid, k.conname::text, ARRAY[a.attname] AS columns,
           format('(SELECT %s FROM (SELECT %I) v(value))', pg_get_expr(k.conbin, 0), a.attname) AS expression
      FROM relation r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN (SELECT oid, oid AS part FROM domain UNION SELECT oid, typbasetype FROM domain) d ON d.oid = a.atttypid
      JOIN pg_constraint k ON k.contypid = d.part AND k.contype = 'c'
)
SELECT json_build_object('of', conrelid::int8, 'it', json_build_object(
           'name', conname, 'expression', expression, 'columns', columns))::text
  FROM (SELECT * FROM table_check UNION ALL SELECT * FROM partition_check
        UNION ALL SELECT * FROM domain_check) every
 ORDER BY conrelid, conname
