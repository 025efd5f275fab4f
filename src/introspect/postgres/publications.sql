,
-- Tables whose changes are published although nothing in them, or in a partition, tells a row to the
-- subscriber: such a DELETE or UPDATE fails.
published AS MATERIALIZED (
    SELECT t.relid, p.pubdelete, p.pubupdate
      FROM pg_publication p CROSS JOIN LATERAL pg_get_publication_tables(p.pubname) t
     WHERE p.pubdelete OR p.pubupdate
)
SELECT json_build_object('of', coalesce(pg_partition_root(c.oid), c.oid)::int8, 'it', json_build_object(
           'on_delete', bool_or(p.pubdelete), 'on_update', bool_or(p.pubupdate)))::text
  FROM published p
  JOIN pg_class c ON c.oid = p.relid
                  OR (c.relispartition AND p.relid IN (SELECT relid FROM pg_partition_ancestors(c.oid)))
 WHERE c.relkind = 'r' AND c.relreplident <> 'f'
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
                      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)
 GROUP BY coalesce(pg_partition_root(c.oid), c.oid)
