-- What the questions about tables begin with: those that are asked about.
WITH RECURSIVE
relation AS MATERIALIZED (SELECT unnest(/*oids*/::oid[]) AS oid)
