-- wr: WITHOUT ROWID; pk: place in the primary key; hidden: 2 and 3 are generated columns, virtual and stored.
SELECT l.name, l.wr, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden, l.strict
  FROM pragma_table_list AS l, pragma_table_xinfo(l.name, 'main') AS c
 WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\'
 ORDER BY l.name, c.cid;
