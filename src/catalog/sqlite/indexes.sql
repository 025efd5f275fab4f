SELECT l.name, i.name, i."unique", i.origin, i.partial, x.name, x.coll
  FROM pragma_table_list l JOIN pragma_index_list(l.name, 'main') i JOIN pragma_index_xinfo(i.name, 'main') x
 WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND x.key = 1
 ORDER BY l.name, i.seq, x.seqno
