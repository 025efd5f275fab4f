-- How many indexes begin with a column: schema (none: the current one), table, column.
SELECT CAST(count(*) AS CHAR)
  FROM information_schema.STATISTICS s
 WHERE s.TABLE_SCHEMA = coalesce(nullif(/*name*/, ''), database()) AND s.TABLE_NAME = /*name*/
   AND s.COLUMN_NAME = /*name*/ AND s.SEQ_IN_INDEX = 1 AND s.INDEX_TYPE = 'BTREE'
