-- One query per foreign key: its name, once per child row whose parent is missing.
SELECT format(
    'SELECT %L || child::text FROM ONLY %s AS child WHERE %s AND NOT EXISTS (SELECT FROM %s AS parent WHERE %s)',
    conrelid::regclass || '.' || conname || ' ',
    conrelid::regclass,
    (
        SELECT string_agg(format('child.%I IS NOT NULL', attname), ' AND ')
        FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)
    ),
    confrelid::regclass,
    (
        SELECT string_agg(format('child.%I = parent.%I', c.attname, p.attname), ' AND ')
        FROM unnest(conkey, confkey) AS pair (child, parent)
        JOIN pg_attribute AS c ON c.attrelid = conrelid AND c.attnum = pair.child
        JOIN pg_attribute AS p ON p.attrelid = confrelid AND p.attnum = pair.parent
    )
) AS query
FROM pg_constraint
WHERE contype = 'f'
