,
-- Every foreign key as JSON in the shape of catalog::Reference, with the tables' oids in the place
-- of their positions. A key on a partitioned table has further constraints per partition
-- (conparentid), which are left out. Where a partition is the one that is referenced, its topmost
-- table is the parent.
-- A domain, and what it is made from.
domain AS (
    SELECT oid, typbasetype AS base FROM pg_type WHERE typtype = 'd'
    UNION
    SELECT d.oid, t.typbasetype FROM domain d JOIN pg_type t ON t.oid = d.base AND t.typtype = 'd'
),
over AS (SELECT domain.* FROM domain JOIN pg_type b ON b.oid = base AND b.typtype <> 'd'),
-- Columns that older versions lack: see keys.sql.
absent(confdelsetcols, conenforced) AS (VALUES (NULL::int2[], true)),  -- PostgreSQL 15, 18
reference AS MATERIALIZED (
    SELECT k.*, c.relispartition, c.relname, n.nspname
      FROM absent
      CROSS JOIN LATERAL (
        SELECT oid, conname, contype, conparentid, conrelid, confrelid, conkey, confkey, conpfeqop,
               confdeltype, confmatchtype, condeferrable, condeferred, convalidated, conenforced,
               confdelsetcols
          FROM pg_constraint
      ) k
      JOIN pg_class c ON c.oid = k.conrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE k.contype = 'f' AND k.conparentid = 0
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
),
-- conpfeqop: the key's value on the left, the child's on the right, each cast to the operator's own type and
-- compared in the collation that the engine compares them in (ri_GenerateQual and ri_GenerateQualCollation in
-- PostgreSQL's ri_triggers.c, generate_operator_clause in ruleutils.c).
pairs AS (
    SELECT r.oid, array_agg(a.attname ORDER BY u.place) AS columns,
           array_agg(b.attname ORDER BY u.place) AS parent_columns,
           json_agg(json_build_object(
               'operator', CASE WHEN o.oprname <> '=' OR s.nspname <> 'pg_catalog'
                                THEN format('OPERATOR(%I.%s)', s.nspname, o.oprname) END,
               'key', nullif(concat(
                   CASE WHEN NOT taken.as_they_are AND l.oid <> typed.key
                        THEN format('::%I.%I', ls.nspname, l.typname) END,
                   CASE WHEN collated.differ AND collated.sure THEN format(' COLLATE %s', collated.child) END), ''),
               'child', nullif(concat(
                   CASE WHEN NOT taken.as_they_are AND t.oid <> typed.child
                        THEN format('::%I.%I', rs.nspname, t.typname) END,
                   CASE WHEN collated.differ AND NOT collated.sure THEN format(' COLLATE %s', collated.key) END), ''),
               'key_in_childs_collation', coalesce(collated.differ AND collated.sure, false),
               'overlaps', o.oprname = '&&',
               'plain', taken.as_they_are AND collated.differ IS NOT TRUE AND s.nspname = 'pg_catalog' AND o.oprname = '=',
               -- The engine's own statement takes the key's value as a parameter, in its type's collation. Types from
               -- elsewhere have an = of their own (citext's knows no collation), and an order in the column's.
               'unlike', CASE
                   WHEN s.nspname <> 'pg_catalog' AND NOT (lc.collisdeterministic AND rc.collisdeterministic) THEN 'order'
                   WHEN s.nspname = 'pg_catalog' AND kt.typcollation <> a.attcollation
                        AND kt.typcollation NOT IN (0, 100) AND a.attcollation NOT IN (0, 100)  -- None, the default.
                        AND NOT (collated.differ AND NOT collated.sure) THEN 'collation' END
           ) ORDER BY u.place) AS comparisons
      FROM reference r
      CROSS JOIN unnest(r.conkey, r.confkey, r.conpfeqop) WITH ORDINALITY u(child, parent, op, place)
      JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = u.child
      JOIN pg_attribute b ON b.attrelid = r.confrelid AND b.attnum = u.parent
      JOIN pg_type kt ON kt.oid = b.atttypid
      JOIN pg_operator o ON o.oid = u.op
      JOIN pg_namespace s ON s.oid = o.oprnamespace
      JOIN pg_type l ON l.oid = o.oprleft
      JOIN pg_namespace ls ON ls.oid = l.typnamespace
      JOIN pg_type t ON t.oid = o.oprright
      JOIN pg_namespace rs ON rs.oid = t.typnamespace
      -- Both sides are of one type, or of several that the operator's family takes for one. (A type of the
      -- user's can be no more than the operator is: a domain is its base type here.)
      CROSS JOIN LATERAL (
        SELECT coalesce((SELECT base FROM over WHERE over.oid = a.atttypid), a.atttypid) AS child,
               coalesce((SELECT base FROM over WHERE over.oid = b.atttypid), b.atttypid) AS key
      ) typed
      CROSS JOIN LATERAL (
        SELECT typed.key = typed.child
               OR (typed.key = ANY ('{int2,int4,int8}'::regtype[]) AND typed.child = ANY ('{int2,int4,int8}'::regtype[]))
               OR (typed.key = ANY ('{text,varchar}'::regtype[]) AND typed.child = ANY ('{text,varchar}'::regtype[]))
               AS as_they_are
      ) taken
      LEFT JOIN pg_collation lc ON lc.oid = b.attcollation
      LEFT JOIN pg_collation rc ON rc.oid = a.attcollation
      CROSS JOIN LATERAL (
        SELECT lc.oid <> rc.oid AS differ, lc.collisdeterministic AS sure,
               format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = lc.collnamespace), lc.collname) AS key,
               format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = rc.collnamespace), rc.collname) AS child
      ) collated
     GROUP BY r.oid
),
-- ON DELETE SET NULL (column, …)
listed AS (
    SELECT r.oid, array_agg(a.attname ORDER BY u.place) AS columns
      FROM reference r
      CROSS JOIN unnest(r.confdelsetcols) WITH ORDINALITY u(attnum, place)
      JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = u.attnum
     GROUP BY r.oid
),
-- The narrowest index that begins with the columns, in any order; indkey counts from 0.
indexed AS (
    SELECT DISTINCT ON (r.oid) r.oid, x.relname
      FROM reference r
      JOIN pg_index i ON i.indrelid = r.conrelid AND i.indisvalid AND i.indpred IS NULL
                     AND i.indnkeyatts >= cardinality(r.conkey)
                     AND (i.indkey::int2[])[0:cardinality(r.conkey) - 1] @> r.conkey
      JOIN pg_class x ON x.oid = i.indexrelid
      JOIN pg_am m ON m.oid = x.relam AND m.amname IN ('btree', 'hash')
     ORDER BY r.oid, i.indnkeyatts, x.relname
),
-- Foreign keys of which a trigger sleeps, here or on a partition.
unwatched AS (
    SELECT tgconstraint AS oid FROM pg_trigger WHERE tgconstraint <> 0 AND tgenabled IN ('D', 'R')
    UNION
    SELECT k.conparentid FROM unwatched u JOIN pg_constraint k ON k.oid = u.oid
     WHERE k.conparentid <> 0
)
SELECT json_build_object(
           'name', r.conname,
           'child', coalesce(pg_partition_root(r.conrelid), r.conrelid)::int8,
           'columns', pairs.columns,
           'parent', coalesce(pg_partition_root(r.confrelid), r.confrelid)::int8,
           'parent_columns', pairs.parent_columns,
           'on_delete', CASE r.confdeltype
               WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
               WHEN 'r' THEN 'restrict' ELSE 'no action' END,
           'set_columns', CASE WHEN r.confdeltype IN ('n', 'd')
               THEN coalesce(listed.columns, pairs.columns) ELSE '{}' END,
           'match_full', r.confmatchtype = 'f',
           'deferrable', r.condeferrable,
           'initially_deferred', r.condeferred,
           'validated', r.convalidated,
           'not_enforced', NOT r.conenforced,
           'enforced', r.conenforced AND r.oid NOT IN (SELECT oid FROM unwatched),
           'index', indexed.relname,
           'comparisons', pairs.comparisons,
           'partition', CASE WHEN r.relispartition THEN json_build_object(
               'schema', CASE WHEN visible.oid IS NULL THEN r.nspname END,
               'name', r.relname,
               'found_in', CASE WHEN visible.oid IS NOT NULL THEN r.nspname END) END
       )::text
  FROM reference r
  JOIN pairs ON pairs.oid = r.oid
  LEFT JOIN listed ON listed.oid = r.oid
  LEFT JOIN indexed ON indexed.oid = r.oid
  LEFT JOIN visible ON visible.oid = r.conrelid
 ORDER BY r.nspname, r.relname, r.conname
