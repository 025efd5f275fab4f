,
-- A domain over a domain inherits its NOT NULL, but not the mark of it (typnotnull).
domain AS (
    SELECT oid, typbasetype, typnotnull FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT d.oid, t.typbasetype, t.typnotnull
      FROM domain d JOIN pg_type t ON t.oid = d.typbasetype AND t.typtype = 'd'
)
