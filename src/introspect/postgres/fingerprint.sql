-- One hash over what decides which rows go and how: tables, columns, defaults, constraints and
-- whether their triggers are awake, triggers, rules, unique keys, inheritance and partitions.
-- Whatever else changes in a constraint, trigger, rule or default gives it a new oid. Temporary
-- tables do not count: orgsweep makes some itself. A sum needs no sorting.
WITH relation AS MATERIALIZED (
    SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
),
fact(line) AS (
    SELECT concat_ws(',', 'table', oid, relname, relnamespace, relkind, relispartition,
                     relrowsecurity, relforcerowsecurity) FROM relation
    UNION ALL
    SELECT concat_ws(',', 'column', attrelid, attnum, attname, atttypid, atttypmod, attcollation,
                     attnotnull, attgenerated)
      FROM pg_attribute JOIN relation r ON r.oid = attrelid WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT concat_ws(',', 'default', d.oid) FROM pg_attrdef d JOIN relation r ON r.oid = adrelid
    UNION ALL
    SELECT concat_ws(',', 'constraint', k.oid, conname, convalidated, condeferrable, condeferred,
                     conparentid)
      FROM pg_constraint k JOIN relation r ON r.oid = conrelid
    UNION ALL
    SELECT concat_ws(',', 'trigger', t.oid, tgname, tgenabled)
      FROM pg_trigger t JOIN relation r ON r.oid = tgrelid
    UNION ALL
    SELECT concat_ws(',', 'rule', w.oid, rulename, ev_enabled)
      FROM pg_rewrite w JOIN relation r ON r.oid = ev_class
    UNION ALL
    SELECT concat_ws(',', 'key', indrelid, indkey, indclass, indcollation,
                     pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid),
                     (SELECT indnullsnotdistinct FROM pg_index x WHERE x.indexrelid = i.indexrelid))
      FROM (VALUES (NULL::bool)) absent(indnullsnotdistinct)  -- Before PostgreSQL 15: see keys.sql.
      CROSS JOIN pg_index i JOIN relation r ON r.oid = indrelid
     WHERE (indisunique OR indisexclusion) AND indisvalid
    UNION ALL
    SELECT concat_ws(',', 'child', inhrelid, inhparent)
      FROM pg_inherits JOIN relation r ON r.oid = inhparent
)
SELECT md5(concat_ws(',', count(*), sum(hashtextextended(line, 0)), sum(hashtextextended(line, 1))))
  FROM fact
