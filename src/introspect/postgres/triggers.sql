,
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
)
SELECT json_build_object('of', f.oid::int8, 'it', json_build_object(
           'name', name, 'on_insert', on_insert, 'on_delete', on_delete, 'on_update', on_update,
           'update_of', update_of, 'rule', rule,
           'fires', CASE enabled WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'origin' END,
           'unseen', false))::text
  FROM firing f JOIN relation r ON r.oid = f.oid
 WHERE on_insert OR on_delete OR on_update
 ORDER BY f.oid, name, enabled, on_insert, on_delete, on_update
