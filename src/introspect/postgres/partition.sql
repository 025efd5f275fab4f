,
-- A partition stands behind its topmost table.
partition AS (
    SELECT p.* FROM (SELECT oid, pg_partition_root(oid) AS root, relname, relkind, reltuples FROM pg_class
                      WHERE relispartition AND relkind IN ('r', 'p')) p
      JOIN relation r ON r.oid = p.root
)
