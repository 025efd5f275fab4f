-- schema, table, column, type, nullable, default, generated, moves on update, textual, collation, expression
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE,
       CASE WHEN c.IS_NULLABLE = 'YES' THEN '1' ELSE '0' END,
       CASE WHEN c.COLUMN_DEFAULT = 'NULL' THEN NULL ELSE c.COLUMN_DEFAULT END,
       -- The times of a row's versions are the engine's affair as well.
       CASE WHEN c.IS_GENERATED = 'ALWAYS' OR c.EXTRA LIKE '%GENERATED%' THEN '1' ELSE '0' END,
       CASE WHEN c.EXTRA LIKE '%on update%' THEN '1' ELSE '0' END,
       CASE WHEN c.DATA_TYPE IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set')
            THEN '1' ELSE '0' END,
       c.COLLATION_NAME,
       CASE WHEN c.GENERATION_EXPRESSION NOT IN ('', 'ROW START', 'ROW END') THEN c.GENERATION_EXPRESSION END
  FROM information_schema.COLUMNS c
 WHERE c.TABLE_SCHEMA IN (/*schemas*/)
 ORDER BY CAST(c.TABLE_SCHEMA AS BINARY), CAST(c.TABLE_NAME AS BINARY), c.ORDINAL_POSITION
