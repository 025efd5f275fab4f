-- The last one declared has the id 0. No "to" means the parent's primary key.
SELECT l.name, k.id, k."table", k."from", k."to", k.on_delete
  FROM pragma_table_list AS l, pragma_foreign_key_list(l.name, 'main') AS k
 WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\'
 ORDER BY l.name, k.id DESC, k.seq;
