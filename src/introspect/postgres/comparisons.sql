-- How the indexes of keys compare, where it is not by the built-in `=` of the columns' own types.
SELECT json_build_object('of', i.indexrelid::int8, 'it', json_agg(json_build_object(
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
       ) ORDER BY u.place))::text
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
