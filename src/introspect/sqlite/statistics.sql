-- ANALYZE's first number is the table's row count.
SELECT tbl, max(CAST(stat AS INTEGER)) FROM main.sqlite_stat1 GROUP BY tbl;
