-- Every table as (oid, JSON in the shape of catalog::Table). Sets are grouped and joined: a lateral
-- sub-query per table takes three times as long at 1,000 tables, and makes the planner expect a
-- cost that is worth compiling for (jit), which takes longer than the query.
-- Columns that older versions lack: inside a lateral sub-query the catalog's own column is found
-- first, and else this one. (to_jsonb(row) ->> 'column' would do, too, in ten times the time.)
absent(indnullsnotdistinct, conenforced) AS (VALUES (false, true)),  -- PostgreSQL 15, 18
owned_by_extension AS (
    SELECT objid AS oid FROM pg_depend
     WHERE classid = 'pg_class'::regclass AND deptype = 'e' AND objsubid = 0
),
relation AS MATERIALIZED (
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
),
-- A domain over a domain inherits its NOT NULL, but not the mark of it (typnotnull).
domain AS (
    SELECT oid, typbasetype, typnotnull FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT d.oid, t.typbasetype, t.typnotnull
      FROM domain d JOIN pg_type t ON t.oid = d.typbasetype AND t.typtype = 'd'
),
-- The `=` of types whose own is not found in pg_catalog.
equality AS (
    SELECT DISTINCT ON (k.opcintype) k.opcintype AS type, format('OPERATOR(%I.%s)', s.nspname, o.oprname) AS operator
      FROM pg_opclass k
      JOIN pg_am m ON m.oid = k.opcmethod AND m.amname IN ('btree', 'hash')
      JOIN pg_amop e ON e.amopfamily = k.opcfamily AND e.amoplefttype = k.opcintype AND e.amoprighttype = k.opcintype
                    AND e.amopstrategy = CASE m.amname WHEN 'btree' THEN 3 ELSE 1 END
      JOIN pg_operator o ON o.oid = e.amopopr
      JOIN pg_namespace s ON s.oid = o.oprnamespace
     WHERE k.opcdefault AND (o.oprname <> '=' OR s.nspname <> 'pg_catalog')
     ORDER BY k.opcintype, m.amname
),
columns AS (
    SELECT a.attrelid, json_agg(json_build_object(
               'name', a.attname,
               'type_name', format_type(a.atttypid, a.atttypmod),
               'domain_over', format_type(base.oid, NULL),
               'nullable', NOT a.attnotnull
                   AND a.atttypid NOT IN (SELECT oid FROM domain WHERE typnotnull),
               'generated', a.attgenerated <> '',
               'default', CASE WHEN a.attgenerated = '' THEN
                   coalesce(pg_get_expr(d.adbin, d.adrelid), pg_get_expr(t.typdefaultbin, 0)) END,
               -- No catalog tells what functions an expression calls, but its stored tree does.
               'volatile_default', a.attgenerated = '' AND EXISTS (
                   SELECT FROM regexp_matches(coalesce(d.adbin, t.typdefaultbin)::text,
                                              ':(?:op)?funcid (\d+)|\{(NEXTVALEXPR)', 'g') calls(found)
                    WHERE found[2] IS NOT NULL
                       OR EXISTS (SELECT FROM pg_proc p WHERE p.oid = found[1]::oid AND p.provolatile = 'v')),
               'generation', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
               'textual', t.typcategory = 'S',
               'collation', (SELECT format('%I.%I', s.nspname, l.collname) FROM pg_collation l JOIN pg_namespace s ON s.oid = l.collnamespace
                              WHERE l.oid = a.attcollation AND l.collname <> 'default'),
               'equality', equality.operator
           ) ORDER BY a.attnum) AS list
      FROM relation r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      LEFT JOIN (domain JOIN pg_type base ON base.oid = domain.typbasetype AND base.typtype <> 'd')
             ON domain.oid = a.atttypid
      LEFT JOIN equality ON equality.type = coalesce(base.oid, a.atttypid)
     GROUP BY a.attrelid
),
-- PostgreSQL 18: NOT NULL may be NOT VALID; what it covers may hold nulls and identifies nothing.
unproven AS MATERIALIZED (
    SELECT conrelid, conkey[1] AS attnum FROM pg_constraint WHERE contype = 'n' AND NOT convalidated
),
-- How the indexes of keys compare, where it is not by the built-in `=` of the columns' own types.
comparison AS (
    SELECT i.indexrelid, json_agg(json_build_object(
               'operator', CASE WHEN o.oprname <> '=' OR s.nspname <> 'pg_catalog'
                                THEN format('OPERATOR(%I.%s)', s.nspname, o.oprname) END,
               'operand', CASE WHEN y.oid <> k.opcintype AND y.typnamespace <> 'pg_catalog'::regnamespace
                                AND operand.typtype <> 'p' THEN format_type(operand.oid, NULL)
                                -- What takes any enum takes no domain over one.
                                WHEN operand.typtype = 'p' AND a.atttypid <> y.oid THEN format_type(y.oid, NULL) END,
               -- Of an enum that its owner casts to text without being asked, = is not unique.
               'function', CASE WHEN operand.typtype = 'p' AND EXISTS (SELECT FROM pg_cast t
                                     WHERE t.castsource = y.oid AND t.castcontext = 'i')
                                THEN (SELECT format('%I.%I', n.nspname, p.proname)
                                        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                                       WHERE p.oid = o.oprcode) END
           ) ORDER BY u.place) AS list
      FROM relation r
      JOIN pg_index i ON i.indrelid = r.oid AND i.indisunique
      CROSS JOIN unnest(i.indkey::int2[], i.indclass::oid[]) WITH ORDINALITY u(attnum, class, place)
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = u.attnum
      LEFT JOIN (domain JOIN pg_type base ON base.oid = domain.typbasetype AND base.typtype <> 'd')
             ON domain.oid = a.atttypid
      JOIN pg_type y ON y.oid = coalesce(base.oid, a.atttypid)
      JOIN pg_opclass k ON k.oid = u.class
      JOIN pg_type operand ON operand.oid = k.opcintype
      JOIN pg_am m ON m.oid = k.opcmethod AND m.amname = 'btree'
      JOIN pg_amop e ON e.amopfamily = k.opcfamily AND e.amoplefttype = k.opcintype AND e.amoprighttype = k.opcintype
                    AND e.amopstrategy = 3
      JOIN pg_operator o ON o.oid = e.amopopr
      JOIN pg_namespace s ON s.oid = o.oprnamespace
     GROUP BY i.indexrelid
    HAVING bool_or(s.nspname <> 'pg_catalog' OR y.typnamespace <> 'pg_catalog'::regnamespace)
),
keys AS (
    SELECT i.indrelid, json_agg(json_build_object(
               'name', x.relname,
               'columns', k.columns,
               'primary', i.indisprimary,
               'not_null', k.not_null,
               'nulls_not_distinct', i.nulls_not_distinct,
               'comparisons', coalesce(comparison.list, '[]')
           ) ORDER BY i.indisprimary DESC, x.relname) AS list
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
      LEFT JOIN comparison ON comparison.indexrelid = i.indexrelid
     GROUP BY i.indrelid
),
-- What else keeps rows apart: unique indexes that are no keys, exclusion constraints, and such of a partition alone,
-- which are about the rows that it takes. What an index reads besides its columns, in expressions and its condition, is
-- among its dependencies. Where it reads the whole row (attribute 0), which only writing makes, the engine decides.
exclusions AS (
    SELECT r.root, json_agg(json_build_object(
               'name', CASE r.oid WHEN r.root THEN x.relname::text ELSE format('%s of %s', x.relname, r.relname) END,
               'parts', CASE WHEN whole.is_read THEN '[]' ELSE part.list END,
               'predicate', nullif(concat_ws(' AND ', pg_get_partition_constraintdef(r.oid),
                                             pg_get_expr(i.indpred, i.indrelid)), ''),
               'nulls_not_distinct', nulls.not_distinct,
               'columns', CASE WHEN r.oid <> r.root OR whole.is_read THEN '{}' ELSE ARRAY(
                   SELECT a.attname FROM pg_attribute a
                    WHERE a.attrelid = i.indrelid AND a.attnum > 0
                      AND (a.attnum = ANY (i.indkey::int2[]) OR a.attnum = ANY (reads.attnums))
                    ORDER BY a.attnum) END
           ) ORDER BY x.relname) AS list
      FROM (SELECT oid, oid AS root, relname FROM relation
            UNION ALL SELECT oid, root, relname FROM partition WHERE root IN (SELECT oid FROM relation)) r
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
     GROUP BY r.root
),
table_check AS (
    SELECT k.conrelid, k.conname,
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
    SELECT a.attrelid AS conrelid, k.conname, ARRAY[a.attname] AS columns,
           format('(SELECT %s FROM (SELECT %I) v(value))', pg_get_expr(k.conbin, 0), a.attname) AS expression
      FROM relation r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN (SELECT oid, oid AS part FROM domain UNION SELECT oid, typbasetype FROM domain) d ON d.oid = a.atttypid
      JOIN pg_constraint k ON k.contypid = d.part AND k.contype = 'c'
),
checks AS (
    SELECT conrelid, json_agg(json_build_object(
               'name', conname, 'expression', expression, 'columns', columns) ORDER BY conname) AS list
      FROM (SELECT * FROM table_check UNION ALL SELECT * FROM partition_check
            UNION ALL SELECT * FROM domain_check) every
     GROUP BY conrelid
),
-- A partition stands behind its topmost table.
partition AS (
    SELECT oid, pg_partition_root(oid) AS root, relname, relkind, reltuples FROM pg_class
     WHERE relispartition AND relkind IN ('r', 'p')
),
partition_rows AS (
    SELECT root, sum(reltuples) AS reltuples FROM partition
     WHERE relkind = 'r' AND reltuples >= 0 GROUP BY root
),
-- Tables whose changes are published although nothing in them, or in a partition, tells a row to the
-- subscriber: such a DELETE or UPDATE fails.
published AS MATERIALIZED (
    SELECT t.relid, p.pubdelete, p.pubupdate
      FROM pg_publication p CROSS JOIN LATERAL pg_get_publication_tables(p.pubname) t
     WHERE p.pubdelete OR p.pubupdate
),
unidentified AS (
    SELECT coalesce(pg_partition_root(c.oid), c.oid) AS oid,
           bool_or(p.pubdelete) AS on_delete, bool_or(p.pubupdate) AS on_update
      FROM published p
      JOIN pg_class c ON c.oid = p.relid
                      OR (c.relispartition AND p.relid IN (SELECT relid FROM pg_partition_ancestors(c.oid)))
     WHERE c.relkind = 'r' AND c.relreplident <> 'f'
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
                          AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)
     GROUP BY 1
),
-- What decides about the partition of a row, on every level.
partitioned AS (
    SELECT coalesce(pg_partition_root(p.partrelid), p.partrelid) AS oid, json_agg(DISTINCT a.attname) AS columns
      FROM pg_partitioned_table p
      JOIN pg_attribute a ON a.attrelid = p.partrelid
                         AND (a.attnum = ANY (p.partattrs::int2[])
                              OR (0 = ANY (p.partattrs::int2[]) AND a.attnum > 0 AND NOT a.attisdropped))
     GROUP BY 1
),
-- What fires on a statement that names the table itself: all of its own triggers and rules, and
-- its partitions' row triggers. Those that partitions have from the table count as internal up
-- to PostgreSQL 14; the other internal ones belong to a constraint.
firing AS (
    SELECT tgrelid AS oid, tgname::text AS name, (tgtype::int & 4) <> 0 AS on_insert,
           (tgtype::int & 8) <> 0 AS on_delete, (tgtype::int & 16) <> 0 AS on_update, tgenabled AS enabled,
           false AS rule, update_of.columns AS update_of
      FROM pg_trigger CROSS JOIN LATERAL (
               SELECT ARRAY(SELECT a.attname::text FROM pg_attribute a
                             WHERE a.attrelid = tgrelid AND a.attnum = ANY (tgattr::int2[]) ORDER BY a.attnum)
           ) update_of(columns)
     WHERE NOT tgisinternal AND tgenabled <> 'D'
    UNION
    SELECT p.root, t.tgname, (t.tgtype::int & 4) <> 0, (t.tgtype::int & 8) <> 0, (t.tgtype::int & 16) <> 0,
           t.tgenabled, false,
           ARRAY(SELECT a.attname::text FROM pg_attribute a
                  WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[]) ORDER BY a.attnum)
      FROM pg_trigger t JOIN partition p ON p.oid = t.tgrelid
     WHERE (t.tgtype::int & 1) <> 0 AND (NOT t.tgisinternal OR t.tgconstraint = 0) AND t.tgenabled <> 'D'
    UNION
    SELECT ev_class, 'rule ' || rulename, ev_type = '3', ev_type = '4', ev_type = '2', ev_enabled, true, '{}'
      FROM pg_rewrite WHERE ev_type IN ('2', '3', '4') AND ev_enabled <> 'D'
),
triggers AS (
    SELECT oid, json_agg(json_build_object(
               'name', name, 'on_insert', on_insert, 'on_delete', on_delete, 'on_update', on_update,
               'update_of', update_of, 'rule', rule, 'fires', CASE enabled WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'origin' END,
               'unseen', false
           ) ORDER BY name, enabled, on_insert, on_delete, on_update) AS list
      FROM firing WHERE on_insert OR on_delete OR on_update GROUP BY oid
)
SELECT r.oid::text,
       json_build_object(
           'name', json_build_object(
               'schema', CASE WHEN visible.oid IS NULL THEN r.nspname END,
               'name', r.relname,
               'found_in', CASE WHEN visible.oid IS NOT NULL THEN r.nspname END),
           'kind', CASE
               WHEN r.relkind = 'p' THEN 'partitioned'
               WHEN EXISTS (SELECT FROM pg_inherits WHERE inhparent = r.oid) THEN 'inheritance_parent'
               ELSE 'ordinary' END,
           'columns', coalesce(columns.list, '[]'),
           'keys', coalesce(keys.list, '[]'),
           'exclusions', coalesce(exclusions.list, '[]'),
           'checks', coalesce(checks.list, '[]'),
           'triggers', coalesce(triggers.list, '[]'),
           'row_security', row_security_active(r.oid),
           'privileges', json_build_object(
               'select', r.usable AND has_table_privilege(r.oid, 'SELECT'),
               'update', r.usable AND has_any_column_privilege(r.oid, 'UPDATE'),
               'delete', r.usable AND has_table_privilege(r.oid, 'DELETE'),
               'lock', r.usable AND has_any_column_privilege(r.oid, 'UPDATE')),
           'usable', r.usable,
           'unidentified', json_build_object(
               'on_delete', coalesce(unidentified.on_delete, false),
               'on_update', coalesce(unidentified.on_update, false)),
           'partitioned_by', coalesce(partitioned.columns, '[]'),
           'estimated_rows', CASE
               WHEN r.relkind = 'p' THEN partition_rows.reltuples::int8
               -- "Never counted" is -1, up to PostgreSQL 13 an emptiness without pages.
               WHEN r.reltuples > 0 OR (r.reltuples = 0 AND
                   (r.relpages > 0 OR current_setting('server_version_num')::int >= 140000))
               THEN r.reltuples::int8 END
       )::text
  FROM relation r
  LEFT JOIN columns ON columns.attrelid = r.oid
  LEFT JOIN keys ON keys.indrelid = r.oid
  LEFT JOIN exclusions ON exclusions.root = r.oid
  LEFT JOIN checks ON checks.conrelid = r.oid
  LEFT JOIN triggers ON triggers.oid = r.oid
  LEFT JOIN partition_rows ON partition_rows.root = r.oid
  LEFT JOIN visible ON visible.oid = r.oid
  LEFT JOIN unidentified ON unidentified.oid = r.oid
  LEFT JOIN partitioned ON partitioned.oid = r.oid
 ORDER BY r.nspname, r.relname
