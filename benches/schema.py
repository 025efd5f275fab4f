"""Tables, references and indexes as statements of either engine."""


def build(engine, tables, references, indexes):
    """The statements before and after loading the rows; SQLite takes foreign keys in CREATE TABLE only.

    A table's columns hold {key} for the key's type: SQLite's rowid alias is spelt INTEGER. A reference is (child,
    column, parent, what follows REFERENCES). MariaDB's TEXT can't be in an index as a whole."""
    sqlite, mariadb = engine.name == "SQLite", engine.name == "MariaDB"

    def create(table, columns):
        keys = "".join(f", FOREIGN KEY ({column}) REFERENCES {parent} (id) {action}"
                       for child, column, parent, action in references if sqlite and child == table)
        columns = columns.format(key='INTEGER' if sqlite else 'bigint')
        if mariadb:
            columns = columns.replace(" text", " varchar(255)").replace(" timestamp", " datetime")
        return f"CREATE TABLE {table} ({columns}{keys})"

    alter = [] if sqlite else [f"ALTER TABLE {child} ADD FOREIGN KEY ({column}) REFERENCES {parent} (id) {action}"
                               for child, column, parent, action in references]
    return [create(*table) for table in tables.items()], [*indexes, *alter]


def indexes(references):
    return [f"CREATE INDEX {child}_{column} ON {child} ({column})" for child, column, *_ in references]
