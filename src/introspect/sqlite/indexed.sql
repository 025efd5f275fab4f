-- How many indexes of all rows begin with a column: schema, table, column.
SELECT CAST(count(*) AS TEXT)
  FROM (SELECT /*name*/ AS schema, /*name*/ AS tbl, /*name*/ AS col) n,
       pragma_index_list(n.tbl, 'main') i, pragma_index_xinfo(i.name, 'main') x
 WHERE NOT i.partial AND x.seqno = 0 AND x.name = n.col
