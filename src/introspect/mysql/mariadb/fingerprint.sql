-- One hash over what decides which rows go and how: columns, keys, foreign keys, checks, triggers,
-- engines. Temporary tables, which MariaDB lists since 11.2, are none of it. A sum needs no sorting.
SELECT concat_ws(',', count(*), sum(CAST(conv(left(md5(line), 12), 16, 10) AS UNSIGNED)),
                 sum(CAST(conv(right(md5(line), 12), 16, 10) AS UNSIGNED)))
  FROM (
    SELECT concat_ws(',', 'table', TABLE_NAME, ENGINE) AS line
      FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'TEMPORARY'
    UNION ALL
    SELECT concat_ws(',', 'column', TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_TYPE, IS_NULLABLE,
                     coalesce(COLUMN_DEFAULT, '-'), COLLATION_NAME, EXTRA, GENERATION_EXPRESSION)
      FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
    UNION ALL
    SELECT concat_ws(',', 'key', TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, SUB_PART)
      FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0
    UNION ALL
    SELECT concat_ws(',', 'pair', TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME,
                     nullif(REFERENCED_TABLE_SCHEMA, DATABASE()), REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME)
      FROM information_schema.KEY_COLUMN_USAGE
     WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
    UNION ALL
    -- A dump brings RESTRICT back as NO ACTION, which is the same here.
    SELECT concat_ws(',', 'reference', TABLE_NAME, CONSTRAINT_NAME, replace(DELETE_RULE, 'NO ACTION', 'RESTRICT'))
      FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()
    UNION ALL
    SELECT concat_ws(',', 'check', TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE)
      FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()
    UNION ALL
    SELECT concat_ws(',', 'trigger', EVENT_OBJECT_TABLE, TRIGGER_NAME, EVENT_MANIPULATION, md5(ACTION_STATEMENT))
      FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
  ) facts
