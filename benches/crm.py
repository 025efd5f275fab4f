"""CRM-like data: 20 organizations, interleaved; organization 1 has about `rows` rows, the other 19 together as many."""

import random

import schema

ORGANIZATIONS = 20
NAME = "Organization 1"

TABLES = {
    "organizations": "id {key} PRIMARY KEY, name text NOT NULL, plan text, created_at timestamp NOT NULL",
    "roles": "id {key} PRIMARY KEY, org_id bigint NOT NULL, name text NOT NULL",
    "users": "id {key} PRIMARY KEY, org_id bigint NOT NULL, role_id bigint, email text NOT NULL,"
    " full_name text, password text, created_at timestamp NOT NULL",
    "teams": "id {key} PRIMARY KEY, org_id bigint NOT NULL, name text NOT NULL",
    "user_teams": "user_id bigint NOT NULL, team_id bigint NOT NULL, PRIMARY KEY (user_id, team_id)",
    "clients": "id {key} PRIMARY KEY, org_id bigint NOT NULL, created_by bigint NOT NULL, name text NOT NULL,"
    " email text, phone text, address text, created_at timestamp NOT NULL",
    "deals": "id {key} PRIMARY KEY, client_id bigint NOT NULL, created_by bigint NOT NULL, updated_by bigint,"
    " title text NOT NULL, notes text, amount numeric(12,2) NOT NULL, status text NOT NULL,"
    " created_at timestamp NOT NULL, updated_at timestamp NOT NULL",
    "payments": "id {key} PRIMARY KEY, deal_id bigint NOT NULL, verified_by bigint, amount numeric(12,2) NOT NULL,"
    " method text, ref text, created_at timestamp NOT NULL",
    "deal_audit": "id {key} PRIMARY KEY, deal_id bigint NOT NULL, parent_id bigint, user_id bigint,"
    " action text NOT NULL, detail text, created_at timestamp NOT NULL",
    "comments": "id {key} PRIMARY KEY, deal_id bigint NOT NULL, author_id bigint NOT NULL, body text NOT NULL,"
    " created_at timestamp NOT NULL",
    "notifications": "id {key} PRIMARY KEY, user_id bigint NOT NULL, kind text, body text,"
    " seen boolean NOT NULL, created_at timestamp NOT NULL",
}

REFERENCES = [
    ("roles", "org_id", "organizations", "CASCADE"),
    ("users", "org_id", "organizations", "CASCADE"),
    ("users", "role_id", "roles", "RESTRICT"),
    ("teams", "org_id", "organizations", "CASCADE"),
    ("user_teams", "user_id", "users", "CASCADE"),
    ("user_teams", "team_id", "teams", "CASCADE"),
    ("clients", "org_id", "organizations", "CASCADE"),
    ("clients", "created_by", "users", "RESTRICT"),
    ("deals", "client_id", "clients", "CASCADE"),
    ("deals", "created_by", "users", "RESTRICT"),
    ("deals", "updated_by", "users", "SET NULL"),
    ("payments", "deal_id", "deals", "CASCADE"),
    ("payments", "verified_by", "users", "RESTRICT"),
    ("deal_audit", "deal_id", "deals", "CASCADE"),
    ("deal_audit", "parent_id", "deal_audit", "CASCADE"),
    ("deal_audit", "user_id", "users", "SET NULL"),
    ("comments", "deal_id", "deals", "CASCADE"),
    ("comments", "author_id", "users", "CASCADE"),
    ("notifications", "user_id", "users", "CASCADE"),
]

# Every referencing column that does not begin the primary key, and what an application would add.
INDEXES = schema.indexes(reference for reference in REFERENCES if reference[:2] != ("user_teams", "user_id")) + [
    "CREATE UNIQUE INDEX users_email ON users (email)",
    "CREATE INDEX deals_status ON deals (status, created_at)",
]

USERS = "(SELECT id FROM users WHERE org_id = 1)"
CLIENTS = "(SELECT id FROM clients WHERE org_id = 1)"
DEALS = f"(SELECT id FROM deals WHERE client_id IN {CLIENTS})"

# What a careful person writes; the engine checks every key, and nulls what it has to.
HAND_WRITTEN = [
    f"DELETE FROM comments WHERE deal_id IN {DEALS}",
    f"DELETE FROM payments WHERE deal_id IN {DEALS}",
    f"DELETE FROM deal_audit WHERE deal_id IN {DEALS}",
    f"DELETE FROM deals WHERE client_id IN {CLIENTS}",
    f"DELETE FROM notifications WHERE user_id IN {USERS}",
    f"DELETE FROM user_teams WHERE user_id IN {USERS}",
    "DELETE FROM clients WHERE org_id = 1",
    "DELETE FROM users WHERE org_id = 1",
    "DELETE FROM teams WHERE org_id = 1",
    "DELETE FROM roles WHERE org_id = 1",
    "DELETE FROM organizations WHERE id = 1",
]

OF_CLIENTS = "JOIN clients l ON l.id = d.client_id WHERE l.org_id = 1"
OF_DEALS = f"JOIN deals d ON d.id = c.deal_id {OF_CLIENTS}"
OF_USERS = "JOIN users u ON u.id = c.user_id WHERE u.org_id = 1"

# The same for MariaDB, which takes several times as long with IN.
JOINED = [
    f"DELETE c FROM comments c {OF_DEALS}",
    f"DELETE c FROM payments c {OF_DEALS}",
    f"DELETE c FROM deal_audit c {OF_DEALS}",
    f"DELETE d FROM deals d {OF_CLIENTS}",
    f"DELETE c FROM notifications c {OF_USERS}",
    f"DELETE c FROM user_teams c {OF_USERS}",
    *HAND_WRITTEN[-5:],
]


def hand_written(engine):
    return JOINED if engine.name == "MariaDB" else HAND_WRITTEN


def build(engine, variant):
    """The statements before and after loading the rows; the rows are the same in every variant.

    plain      as above
    unindexed  without the index of deals.created_by
    cascade    RESTRICT is CASCADE, so that one DELETE of the organization is enough; it leaves the same rows
    django     constraints as Django makes them: NO ACTION, and its collector does the rest
    floor      neither foreign keys nor indexes beyond the primary keys
    """
    if variant == "floor":
        return schema.build(engine, TABLES, [], [])
    indexes = [index for index in INDEXES if variant != "unindexed" or "deals_created_by" not in index]

    def clause(action):
        if variant == "django":
            return "DEFERRABLE INITIALLY DEFERRED"
        return "ON DELETE CASCADE" if (variant, action) == ("cascade", "RESTRICT") else f"ON DELETE {action}"

    references = [(child, column, parent, clause(action)) for child, column, parent, action in REFERENCES]
    return schema.build(engine, TABLES, references, indexes)


def generate(rows, others=None, seed=42):
    """Yields (table, rows), parents first; the same for the same arguments. `others`: rows of the other 19."""
    rng = random.Random(seed)
    pick, chance = rng.randrange, rng.random

    def shuffled(items):
        rng.shuffle(items)
        return items

    def moment():
        day, second = pick(900), pick(86400)
        return f"{2024 + day // 360}-{day // 30 % 12 + 1:02}-{day % 28 + 1:02}" \
               f" {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"

    def digest():
        return f"{rng.getrandbits(128):032x}"

    organizations = range(1, ORGANIZATIONS + 1)
    weight = {org: rows if org == 1 else (others or rows) / (ORGANIZATIONS - 1) for org in organizations}
    first_user, first_team, users, teams = {}, {}, {}, {}
    next_user = next_team = 1
    for org in organizations:
        first_user[org], users[org] = next_user, max(2, round(weight[org] * 0.005))
        first_team[org], teams[org] = next_team, max(1, round(weight[org] * 0.0005))
        next_user, next_team = next_user + users[org], next_team + teams[org]

    def user_of(org):
        return first_user[org] + pick(users[org])

    yield "organizations", ((org, f"Organization {org}", "pro", moment()) for org in organizations)
    yield "roles", ((org * 5 + k - 4, org, f"role {k}") for org in organizations for k in range(5))
    all_users = [(first_user[org] + k, org) for org in organizations for k in range(users[org])]
    yield "users", ((user, org, org * 5 - 4 + user % 5, f"u{user}@example.com", f"User Name {user}", digest(),
                     moment()) for user, org in all_users)
    yield "teams", ((first_team[org] + k, org, f"team {k}") for org in organizations for k in range(teams[org]))
    yield "user_teams", (member for user, org in all_users
                         for member in sorted({(user, first_team[org] + pick(teams[org])) for _ in range(2)}))

    clients = shuffled([org for org in organizations for _ in range(max(2, round(weight[org] * 0.1)))])
    yield "clients", ((client, org, user_of(org), f"Client {client}", f"c{client}@example.org", f"+49 {client}",
                       f"Street {client}, 12345 Town", moment()) for client, org in enumerate(clients, 1))

    deals = shuffled([(client, org) for client, org in enumerate(clients, 1) for _ in range(2 + (chance() < 0.2))])
    yield "deals", ((deal, client, user_of(org), user_of(org) if chance() < 0.6 else None, f"Deal {deal}",
                     f"notes {digest()}{digest()}", f"{pick(1000000) / 100:.2f}",
                     ("new", "won", "lost", "open")[pick(4)], moment(), moment())
                    for deal, (client, org) in enumerate(deals, 1))
    del clients
    deals = [org for _, org in deals]

    paid = shuffled([deal for deal in range(1, len(deals) + 1) for _ in range(1 + (chance() < 0.36))])
    yield "payments", ((payment, deal, user_of(deals[deal - 1]) if chance() < 0.5 else None,
                        f"{pick(100000) / 100:.2f}", "card", f"ref-{digest()}", moment())
                       for payment, deal in enumerate(paid, 1))
    del paid

    # Chains of up to 4: each names the one before it, of the same deal.
    audited = [(deal, max(0, 4 - pick(8))) for deal in range(1, len(deals) + 1)]

    def audit():
        number, previous, strangers = 0, {}, 50
        for level in range(1, 5):
            for deal, length in audited:
                if length < level:
                    continue
                number += 1
                org = deals[deal - 1]
                # A few rows of others name a user of the first organization: they are unlinked.
                if org != 1 and strangers > 0:
                    strangers, org = strangers - 1, 1
                yield (number, deal, previous.get(deal), user_of(org), "update", f"changed field {digest()}", moment())
                previous[deal] = number

    yield "deal_audit", audit()
    commented = shuffled([deal for deal in range(1, len(deals) + 1) if chance() < 0.55])
    yield "comments", ((comment, deal, user_of(deals[deal - 1]), f"comment {digest()}{digest()}", moment())
                       for comment, deal in enumerate(commented, 1))
    notified = shuffled([user for user, _ in all_users for _ in range(10)])
    yield "notifications", ((n, user, "info", f"hello {digest()}", False, moment())
                            for n, user in enumerate(notified, 1))
