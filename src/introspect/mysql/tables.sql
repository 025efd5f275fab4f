-- schema, table, storage engine where it is not transactional, estimated rows, partitioned, system-versioned, no table
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, CASE WHEN e.TRANSACTIONS = 'YES' THEN NULL ELSE t.ENGINE END,
       CAST(t.TABLE_ROWS AS CHAR), CASE WHEN t.CREATE_OPTIONS LIKE '%partitioned%' THEN '1' ELSE '0' END,
       CASE WHEN t.TABLE_TYPE = 'SYSTEM VERSIONED' THEN '1' ELSE '0' END,
       CASE WHEN t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') THEN '0' ELSE '1' END
  FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
 WHERE t.TABLE_SCHEMA IN (/*schemas*/) AND t.TABLE_TYPE <> 'TEMPORARY'
 ORDER BY CAST(t.TABLE_SCHEMA AS BINARY), CAST(t.TABLE_NAME AS BINARY)
