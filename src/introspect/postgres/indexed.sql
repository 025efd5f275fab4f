-- How many indexes of all rows begin with a column: schema, table, column.
SELECT count(*)::text
  FROM pg_namespace n
  JOIN pg_class c ON c.relnamespace = n.oid
  JOIN pg_attribute a ON a.attrelid = c.oid
  JOIN pg_index i ON i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL
 WHERE n.nspname::text = /*name*/ AND c.relname::text = /*name*/ AND a.attname::text = /*name*/
