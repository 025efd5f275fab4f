-- The same as references.sql from InnoDB's own dictionary, whoever may see the tables: for those with the
-- PROCESS privilege. Its names are written as file names are; the bits of TYPE are in dict0mem.h.
SELECT CONVERT(CONVERT(substring_index(f.FOR_NAME, '/', 1) USING binary) USING filename),
       CONVERT(CONVERT(substring_index(f.FOR_NAME, '/', -1) USING binary) USING filename),
       substring_index(f.ID, '/', -1),
       CONVERT(CONVERT(substring_index(f.REF_NAME, '/', 1) USING binary) USING filename),
       CONVERT(CONVERT(substring_index(f.REF_NAME, '/', -1) USING binary) USING filename),
       c.FOR_COL_NAME, c.REF_COL_NAME,
       CASE WHEN f.TYPE & 1 THEN 'CASCADE' WHEN f.TYPE & 2 THEN 'SET NULL' ELSE 'RESTRICT' END
  FROM information_schema.INNODB_SYS_FOREIGN f JOIN information_schema.INNODB_SYS_FOREIGN_COLS c ON c.ID = f.ID
 WHERE CONVERT(CONVERT(substring_index(f.REF_NAME, '/', 1) USING binary) USING filename) IN (/*schemas*/)
 ORDER BY f.FOR_NAME, f.ID, c.POS
