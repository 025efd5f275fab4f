,
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
)
SELECT json_build_object('of', t.oid::int8, 'it', json_build_object(
           'domain_over', format_type(base.oid, NULL),
           'not_null', EXISTS (SELECT FROM domain n WHERE n.oid = t.oid AND n.typnotnull),
           'equality', equality.operator))::text
  FROM pg_type t
  LEFT JOIN (domain JOIN pg_type base ON base.oid = domain.typbasetype AND base.typtype <> 'd')
         ON domain.oid = t.oid
  LEFT JOIN equality ON equality.type = coalesce(base.oid, t.oid)
 WHERE t.oid IN (SELECT a.atttypid FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid)
