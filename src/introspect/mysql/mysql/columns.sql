-- schema, table, column, type, nullable, default, generated, moves on update, textual, collation, expression, whether the
-- default is an expression (EXTRA says DEFAULT_GENERATED then)
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE,
       CASE WHEN c.IS_NULLABLE = 'YES' THEN '1' ELSE '0' END,
       c.COLUMN_DEFAULT,
       CASE WHEN c.GENERATION_EXPRESSION <> '' THEN '1' ELSE '0' END,
       CASE WHEN c.EXTRA LIKE '%on update%' THEN '1' ELSE '0' END,
       CASE WHEN c.DATA_TYPE IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set')
            THEN '1' ELSE '0' END,
       c.COLLATION_NAME,
       nullif(c.GENERATION_EXPRESSION, ''),
       CASE WHEN c.EXTRA LIKE '%DEFAULT_GENERATED%' THEN '1' ELSE '0' END
  FROM information_schema.COLUMNS c
 WHERE c.TABLE_SCHEMA IN (/*schemas*/)
 ORDER BY CAST(c.TABLE_SCHEMA AS BINARY), CAST(c.TABLE_NAME AS BINARY), c.ORDINAL_POSITION
