-- schema, table, index, unique, column, whole column, can be null: a row for each column of an index. A HASH index keeps
-- a key unique that is too long for any other.
SELECT s.TABLE_SCHEMA, s.TABLE_NAME, s.INDEX_NAME, CASE WHEN s.NON_UNIQUE = 0 THEN '1' ELSE '0' END,
       s.COLUMN_NAME, CASE WHEN s.SUB_PART IS NULL THEN '1' ELSE '0' END,
       CASE WHEN s.NULLABLE = 'YES' THEN '1' ELSE '0' END
  FROM information_schema.STATISTICS s
 WHERE s.TABLE_SCHEMA IN (/*schemas*/) AND (s.INDEX_TYPE = 'BTREE' OR s.INDEX_NAME = 'PRIMARY')
 ORDER BY CAST(s.TABLE_SCHEMA AS BINARY), CAST(s.TABLE_NAME AS BINARY), s.INDEX_NAME <> 'PRIMARY',
          CAST(s.INDEX_NAME AS BINARY), s.SEQ_IN_INDEX
