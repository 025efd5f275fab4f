"""Shapes that are hard to follow: a deep tree, long chains, a cycle that no order of deletes gets through."""

import random

import schema

NAME = "Organization 1"
OTHERS = range(2, 4)
ORGANIZATIONS = "id {key} PRIMARY KEY, name text NOT NULL"


class Nodes:
    """Rows in levels: only the first level names the forest, each further row its parent in the level above."""

    tables = {"organizations": ORGANIZATIONS,
              "forests": "id {key} PRIMARY KEY, org_id bigint NOT NULL",
              "nodes": "id {key} PRIMARY KEY, forest_id bigint, parent_id bigint, body text NOT NULL"}

    # Only the first level names an owner; that the others go with their parents has to be said.
    options = ["--foreign", "delete=nodes.parent_id"]
    # SQLite's own cascades stop at 1,000 levels, so the parent is guarded, not cascaded.
    hand_written = [
        "WITH RECURSIVE below (id) AS"
        " (SELECT id FROM nodes WHERE forest_id IN (SELECT id FROM forests WHERE org_id = 1)"
        " UNION ALL SELECT nodes.id FROM nodes JOIN below ON nodes.parent_id = below.id)"
        " DELETE FROM nodes WHERE id IN (SELECT id FROM below)",
        "DELETE FROM forests WHERE org_id = 1",
        "DELETE FROM organizations WHERE id = 1",
    ]

    def __init__(self, title, levels, width, parent_of):
        self.title, self.levels, self.width, self.parent_of = title, levels, width, parent_of

    def build(self, engine):
        references = [("forests", "org_id", "organizations", "ON DELETE CASCADE"),
                      ("nodes", "forest_id", "forests", "ON DELETE CASCADE"), ("nodes", "parent_id", "nodes", "")]
        return schema.build(engine, self.tables, references, schema.indexes(references))

    def generate(self):
        yield "organizations", organizations()
        yield "forests", ((org, org) for org in (1, *OTHERS))
        yield "nodes", self.nodes(random.Random(42))

    def nodes(self, rng):
        """Interleaved: row k of every organization, then row k + 1."""
        stride = 1 + len(OTHERS)
        for k in range(self.levels * self.width):
            level, place = divmod(k, self.width)
            above = (level - 1) * self.width + self.parent_of(rng, place, self.width)
            for org in range(1, stride + 1):
                yield (k * stride + org, None if level else org, above * stride + org if level else None, f"node {k}")


class Cycle:
    """Each user is in a team, each team has a leader, neither may be NULL: the checks wait for COMMIT."""

    title = "a cycle of NOT NULL references, deferred: 1,000 teams, 99,000 users"
    teams, users = 1_000, 99_000
    tables = {"organizations": ORGANIZATIONS,
              "teams": "id {key} PRIMARY KEY, org_id bigint NOT NULL, leader_id bigint NOT NULL",
              "users": "id {key} PRIMARY KEY, team_id bigint NOT NULL, name text NOT NULL"}
    options = []
    hand_written = [
        "DELETE FROM users WHERE team_id IN (SELECT id FROM teams WHERE org_id = 1)",
        "DELETE FROM teams WHERE org_id = 1",
        "DELETE FROM organizations WHERE id = 1",
    ]

    def build(self, engine):
        references = [("teams", "org_id", "organizations", "ON DELETE CASCADE"),
                      ("teams", "leader_id", "users", "DEFERRABLE INITIALLY DEFERRED"),
                      ("users", "team_id", "teams", "DEFERRABLE INITIALLY DEFERRED")]
        return schema.build(engine, self.tables, references, schema.indexes(references))

    def generate(self):
        all_organizations = range(1, 2 + len(OTHERS))
        # Team t of organization o is t * 3 + o, user u likewise: interleaved.
        stride = len(all_organizations)
        yield "organizations", organizations()
        yield "teams", ((t * stride + org, org, t * stride + org)
                        for t in range(self.teams) for org in all_organizations)
        yield "users", ((u * stride + org, u % self.teams * stride + org, f"user {u}")
                        for u in range(self.users) for org in all_organizations)


def organizations():
    return ((org, f"Organization {org}") for org in (1, *OTHERS))


SHAPES = {
    "tree": Nodes("a tree of 200 levels of 500 rows", 200, 500, lambda rng, place, width: rng.randrange(width)),
    "chain": Nodes("5 chains of 2,000 rows, each the child of the one before", 2_000, 5, lambda rng, place, width: place),
    "cycle": Cycle(),
}
