,
absent(indnullsnotdistinct) AS (VALUES (false))  -- Before PostgreSQL 15: see keys.sql.
-- What else keeps rows apart: unique indexes that are no keys, exclusion constraints, and such of a partition alone,
-- which are about the rows that it takes. What an index reads besides its columns, in expressions and its condition, is
-- among its dependencies. Where it reads the whole row (attribute 0), which only writing makes, the engine decides.
SELECT json_build_object('of', r.root::int8, 'it', json_build_object(
           'name', CASE r.oid WHEN r.root THEN x.relname::text ELSE format('%s of %s', x.relname, r.relname) END,
           'parts', CASE WHEN whole.is_read THEN '[]' ELSE part.list END,
           'predicate', nullif(concat_ws(' AND ', pg_get_partition_constraintdef(r.oid),
                                         pg_get_expr(i.indpred, i.indrelid)), ''),
           'nulls_not_distinct', nulls.not_distinct,
           'columns', CASE WHEN r.oid <> r.root OR whole.is_read THEN '{}' ELSE ARRAY(
               SELECT a.attname FROM pg_attribute a
                WHERE a.attrelid = i.indrelid AND a.attnum > 0
                  AND (a.attnum = ANY (i.indkey::int2[]) OR a.attnum = ANY (reads.attnums))
                ORDER BY a.attnum) END))::text
  FROM (SELECT oid, oid AS root, NULL::name AS relname FROM relation
        UNION ALL SELECT oid, root, relname FROM partition) r
  CROSS JOIN absent
  JOIN pg_index i ON i.indrelid = r.oid AND (i.indisunique OR i.indisexclusion) AND i.indisready
                 AND NOT (r.oid = r.root AND i.indisunique AND i.indisvalid AND i.indimmediate
                          AND i.indpred IS NULL AND i.indexprs IS NULL)
                 AND i.indexrelid NOT IN (SELECT inhrelid FROM pg_inherits)
  JOIN pg_class x ON x.oid = i.indexrelid
  CROSS JOIN LATERAL (SELECT concat(i.indexprs, i.indpred) LIKE '%:varattno 0 %') whole(is_read)
  LEFT JOIN pg_constraint e ON e.conindid = i.indexrelid AND e.contype = 'x'
  CROSS JOIN LATERAL (
    SELECT indnullsnotdistinct AS not_distinct FROM pg_index WHERE indexrelid = i.indexrelid
  ) nulls
  CROSS JOIN LATERAL (
    SELECT ARRAY(SELECT refobjsubid FROM pg_depend
                  WHERE classid = 'pg_class'::regclass AND objid = i.indexrelid
                    AND refclassid = 'pg_class'::regclass AND refobjid = i.indrelid) AS attnums
  ) reads
  CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
               'expression', pg_get_indexdef(i.indexrelid, u.place::int, false),
               'operator', concat((SELECT format('COLLATE %I.%I ', n.nspname, l.collname)
                                     FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
                                    WHERE l.oid = u.sorting),
                                  format('OPERATOR(%I.%s)', s.nspname, o.oprname))
           ) ORDER BY u.place) AS list
      FROM unnest(i.indclass::oid[], i.indcollation::oid[]) WITH ORDINALITY u(class, sorting, place)
      JOIN pg_opclass k ON k.oid = u.class
      LEFT JOIN pg_amop m ON m.amopfamily = k.opcfamily AND m.amoplefttype = k.opcintype
                         AND m.amoprighttype = k.opcintype AND m.amopstrategy = 3
      JOIN pg_operator o ON o.oid = coalesce(e.conexclop[u.place::int], m.amopopr)
      JOIN pg_namespace s ON s.oid = o.oprnamespace
  ) part
 ORDER BY r.root, x.relname
