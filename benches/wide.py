"""1,000 tables below the organization, few of them with rows: half name it, half hang below those in chains."""

TABLES = 1000
DIRECT = 500
CHAIN = 5
ORGANIZATIONS = 20
NAME = "Organization 1"


def parent(table):
    """The table that `table` (from 1) refers to: 0 is the organization."""
    if table <= DIRECT:
        return 0
    position = table - DIRECT - 1
    return 1 + position // CHAIN if position % CHAIN == 0 else table - 1


def name(table):
    return "organizations" if table == 0 else f"t{table:04}"


def with_rows():
    """20 rows of each organization: itself, nine tables with one, and two chains of five."""
    direct = [1, 2, *range(200, 207)]
    chains = range(DIRECT + 1, DIRECT + 1 + 2 * CHAIN)
    return [*direct, *chains]


def postgres_before_load():
    yield "CREATE TABLE organizations (id bigint PRIMARY KEY, name text NOT NULL)"
    for table in range(1, TABLES + 1):
        yield f"CREATE TABLE {name(table)} (id bigint PRIMARY KEY, parent_id bigint NOT NULL" \
              f" REFERENCES {name(parent(table))} (id) ON DELETE CASCADE, body text)"


def postgres_after_load():
    return (f"CREATE INDEX ON {name(table)} (parent_id)" for table in range(1, TABLES + 1))


def generate():
    organizations = range(1, ORGANIZATIONS + 1)
    yield "organizations", ((org, f"Organization {org}") for org in organizations)
    for table in with_rows():
        yield name(table), ((org, org, "text") for org in organizations)


def rows_of(table):
    """The rows of organization 1 in `table`, as a condition."""
    above = parent(table)
    return "parent_id = 1" if above == 0 else f"parent_id IN (SELECT id FROM {name(above)} WHERE {rows_of(above)})"


def hand_written(tables):
    """Children first."""
    deletes = [f"DELETE FROM {name(table)} WHERE {rows_of(table)}" for table in sorted(tables, reverse=True)]
    return deletes + ["DELETE FROM organizations WHERE id = 1"]
