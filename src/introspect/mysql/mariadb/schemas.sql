-- Every pair of databases that a foreign key leads between: InnoDB's own dictionary, in no time,
-- for those with the PROCESS privilege. Its names are written as file names are.
SELECT DISTINCT
       CONVERT(CONVERT(substring_index(FOR_NAME, '/', 1) USING binary) USING filename) AS child,
       CONVERT(CONVERT(substring_index(REF_NAME, '/', 1) USING binary) USING filename) AS parent
  FROM information_schema.INNODB_SYS_FOREIGN
 WHERE substring_index(FOR_NAME, '/', 1) <> substring_index(REF_NAME, '/', 1)
