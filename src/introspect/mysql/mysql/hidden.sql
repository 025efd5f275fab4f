-- The same as references.sql from InnoDB's own dictionary, whoever may see the tables: for those with the
-- PROCESS privilege. The bits of TYPE are in dict0mem.h.
SELECT substring_index(f.FOR_NAME, '/', 1), substr(f.FOR_NAME, locate('/', f.FOR_NAME) + 1),
       substr(f.ID, locate('/', f.ID) + 1),
       substring_index(f.REF_NAME, '/', 1), substr(f.REF_NAME, locate('/', f.REF_NAME) + 1),
       c.FOR_COL_NAME, c.REF_COL_NAME,
       CASE WHEN f.TYPE & 1 THEN 'CASCADE' WHEN f.TYPE & 2 THEN 'SET NULL' ELSE 'RESTRICT' END
  FROM information_schema.INNODB_FOREIGN f JOIN information_schema.INNODB_FOREIGN_COLS c ON c.ID = f.ID
 WHERE substring_index(f.REF_NAME, '/', 1) IN (/*schemas*/)
 ORDER BY f.FOR_NAME, f.ID, c.POS
