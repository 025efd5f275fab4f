-- What tables.sql and references.sql begin with: the tables that need no schema before their names, by the search path
-- that the session came with. Ours is pg_catalog alone; pg_temp holds nothing but our own.
WITH RECURSIVE
path AS (
    SELECT n.oid, p.place
      FROM unnest(current_setting('orgsweep.schemas')::name[]) WITH ORDINALITY p(name, place)
      JOIN pg_namespace n ON n.nspname = p.name AND n.nspname !~ '^pg_temp'
),
visible AS (
    SELECT DISTINCT ON (c.relname) c.oid
      FROM pg_class c JOIN path ON path.oid = c.relnamespace ORDER BY c.relname, path.place
)
