-- The columns that an index is ordered by; an expression has no name.
SELECT l.name, i.name, i."unique", i.origin = 'pk', i.partial, x.name, x.coll
  FROM pragma_table_list AS l, pragma_index_list(l.name, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
 WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND x.key
 ORDER BY l.name, i.name, x.seqno;
