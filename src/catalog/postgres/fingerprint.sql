-- Everything that a plan depends on, in one cheap look: foreign keys and checks, columns, triggers
-- and rules, inheritance. User objects have oids from 16384 on.
SELECT md5(concat_ws('|',
  (SELECT string_agg(concat_ws(',', oid, conrelid, confrelid, contype, confdeltype, conkey, confkey, convalidated), ';' ORDER BY oid)
     FROM pg_constraint WHERE oid >= 16384 AND contype IN ('f', 'c', 'p', 'u')),
  (SELECT string_agg(concat_ws(',', attrelid, attnum, attname, atttypid, attnotnull), ';' ORDER BY attrelid, attnum)
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE attrelid >= 16384 AND attnum > 0 AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'),
  (SELECT string_agg(concat_ws(',', oid, tgrelid, tgenabled, tgtype), ';' ORDER BY oid) FROM pg_trigger WHERE oid >= 16384),
  (SELECT string_agg(concat_ws(',', oid, ev_class, ev_enabled), ';' ORDER BY oid) FROM pg_rewrite WHERE oid >= 16384),
  (SELECT string_agg(concat_ws(',', inhrelid, inhparent), ';' ORDER BY inhrelid, inhparent) FROM pg_inherits WHERE inhrelid >= 16384)))
