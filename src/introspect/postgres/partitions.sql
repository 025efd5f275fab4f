-- What decides about the partition of a row, on every level; and how many rows there are, where they were counted.
SELECT json_build_object('of', r.oid::int8, 'it', json_build_object(
           'columns', ARRAY(
               SELECT DISTINCT a.attname
                 FROM pg_partitioned_table p
                 JOIN pg_attribute a ON a.attrelid = p.partrelid
                                    AND (a.attnum = ANY (p.partattrs::int2[])
                                         OR (0 = ANY (p.partattrs::int2[]) AND a.attnum > 0 AND NOT a.attisdropped))
                WHERE coalesce(pg_partition_root(p.partrelid), p.partrelid) = r.oid
                ORDER BY a.attname),
           'rows', (SELECT sum(reltuples)::int8 FROM partition p
                     WHERE p.root = r.oid AND p.relkind = 'r' AND p.reltuples >= 0)))::text
  FROM relation r JOIN pg_partitioned_table t ON t.partrelid = r.oid
