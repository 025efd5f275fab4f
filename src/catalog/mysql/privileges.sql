-- Where the privilege holds (a pattern of databases, a table), and which: those of this user and of the
-- roles that are in use.
SELECT p.TABLE_SCHEMA, p.TABLE_NAME, p.PRIVILEGE_TYPE
  FROM (SELECT GRANTEE, '%' AS TABLE_SCHEMA, NULL AS TABLE_NAME, PRIVILEGE_TYPE
          FROM information_schema.USER_PRIVILEGES
        UNION ALL
        SELECT GRANTEE, TABLE_SCHEMA, NULL, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES
        UNION ALL
        SELECT GRANTEE, TABLE_SCHEMA, TABLE_NAME, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES
        UNION ALL
        -- Of some columns only: enough to update a reference, as on PostgreSQL.
        SELECT GRANTEE, TABLE_SCHEMA, TABLE_NAME, PRIVILEGE_TYPE
          FROM information_schema.COLUMN_PRIVILEGES WHERE PRIVILEGE_TYPE = 'UPDATE') p
 WHERE p.PRIVILEGE_TYPE IN ('SELECT', 'UPDATE', 'DELETE', 'TRIGGER')
   AND (replace(p.GRANTEE, '''', '') = current_user()
        OR replace(p.GRANTEE, '''', '') IN (SELECT concat(ROLE_NAME, '@') FROM information_schema.ENABLED_ROLES
                                             WHERE ROLE_NAME IS NOT NULL)
        OR replace(p.GRANTEE, '''', '') IN (SELECT ROLE_NAME FROM information_schema.ENABLED_ROLES
                                             WHERE ROLE_NAME IS NOT NULL))
