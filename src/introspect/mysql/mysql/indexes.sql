-- schema, table, index, unique, column, whole column, can be null: a row for each column of an index. One over an
-- expression is left out whole: it is no key of columns. An invisible one finds nothing, but keeps its key unique.
SELECT s.TABLE_SCHEMA, s.TABLE_NAME, s.INDEX_NAME, CASE WHEN s.NON_UNIQUE = 0 THEN '1' ELSE '0' END,
       s.COLUMN_NAME, CASE WHEN s.SUB_PART IS NULL THEN '1' ELSE '0' END,
       CASE WHEN s.NULLABLE = 'YES' THEN '1' ELSE '0' END
  FROM information_schema.STATISTICS s
 WHERE s.TABLE_SCHEMA IN (/*schemas*/) AND s.INDEX_TYPE = 'BTREE' AND (s.IS_VISIBLE = 'YES' OR s.NON_UNIQUE = 0)
   AND (s.TABLE_SCHEMA, s.TABLE_NAME, s.INDEX_NAME) NOT IN
       (SELECT e.TABLE_SCHEMA, e.TABLE_NAME, e.INDEX_NAME FROM information_schema.STATISTICS e
         WHERE e.TABLE_SCHEMA IN (/*schemas*/) AND e.EXPRESSION IS NOT NULL)
 ORDER BY CAST(s.TABLE_SCHEMA AS BINARY), CAST(s.TABLE_NAME AS BINARY), s.INDEX_NAME <> 'PRIMARY',
          CAST(s.INDEX_NAME AS BINARY), s.SEQ_IN_INDEX
