SELECT l.name, l.wr, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
  FROM pragma_table_list l JOIN pragma_table_xinfo(l.name, 'main') c
 WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND c.hidden <> 1
 ORDER BY l.name, c.cid
