-- schema, table, constraint, parent's schema, parent, column, parent's column, rule: a row for each
-- pair of columns. The rule is missing where the user holds privileges on tables only.
SELECT k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.REFERENCED_TABLE_SCHEMA,
       k.REFERENCED_TABLE_NAME, k.COLUMN_NAME, k.REFERENCED_COLUMN_NAME, r.DELETE_RULE
  FROM information_schema.KEY_COLUMN_USAGE k
  LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r
    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME
   AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
 WHERE k.TABLE_SCHEMA IN (/*schemas*/) AND k.REFERENCED_TABLE_NAME IS NOT NULL
 ORDER BY CAST(k.TABLE_SCHEMA AS BINARY), CAST(k.TABLE_NAME AS BINARY),
          CAST(k.CONSTRAINT_NAME AS BINARY), k.ORDINAL_POSITION
