SELECT l.name, k.id, k.seq, k."table", k."from", k."to", k.on_delete
  FROM pragma_table_list l JOIN pragma_foreign_key_list(l.name, 'main') k
 WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\'
 ORDER BY l.name, k.id, k.seq
