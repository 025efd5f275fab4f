-- Every pair of databases that a foreign key leads between: InnoDB's own dictionary, for those with the PROCESS privilege.
SELECT DISTINCT substring_index(FOR_NAME, '/', 1) AS child, substring_index(REF_NAME, '/', 1) AS parent
  FROM information_schema.INNODB_FOREIGN
 WHERE substring_index(FOR_NAME, '/', 1) <> substring_index(REF_NAME, '/', 1)
