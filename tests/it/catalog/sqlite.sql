CREATE TABLE tenants(id TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE COLLATE NOCASE,
    owner_id INTEGER DEFAULT (1 + 1) CONSTRAINT owner REFERENCES users(id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE users(id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
    email TEXT COLLATE NOCASE, manager_id INTEGER REFERENCES users ON DELETE SET NULL,
    tenant_slug VARCHAR(20) REFERENCES TENANTS(Slug) ON DELETE SET DEFAULT,
    UNIQUE(tenant_id, id), UNIQUE(email COLLATE BINARY));
CREATE INDEX users_slug_in_another_collation ON users(tenant_slug);
CREATE INDEX users_manager_partial ON users(manager_id) WHERE manager_id > 5;
CREATE INDEX users_expression ON users(lower(email));

CREATE TABLE "Invoice"("Tenant" TEXT NOT NULL, "No" INT NOT NULL, "User" INTEGER, total NUMERIC CHECK (total >= 0),
    total_x2 AS (total*2) STORED, v2 INT GENERATED ALWAYS AS ("No"+1) VIRTUAL, note BLOB,
    PRIMARY KEY("Tenant", "No"),
    CONSTRAINT "inv user" FOREIGN KEY("Tenant", "User") REFERENCES users(tenant_id, id),
    CONSTRAINT "no refunds" CHECK ("Tenant" <> 'x (' OR Total > 0)
    FOREIGN KEY("Tenant") REFERENCES tenants(id) ON DELETE RESTRICT ON UPDATE CASCADE) WITHOUT ROWID;
-- The parent's key in another order.
CREATE TABLE lines(id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, no INT, line TEXT,
    FOREIGN KEY(no, tenant) REFERENCES invoice(no, TENANT) ON DELETE CASCADE,
    FOREIGN KEY(tenant, no) REFERENCES "Invoice");
CREATE INDEX lines_wide ON lines(tenant, no, line);
CREATE INDEX lines_narrow ON lines(tenant, no);

CREATE TABLE "Weird ""quoted"" [tbl]"(id INT PRIMARY KEY, "tenant;id" TEXT REFERENCES tenants,
    parent INT REFERENCES "Weird ""quoted"" [tbl]"(id) ON DELETE CASCADE);
CREATE TABLE a(id INTEGER PRIMARY KEY, b_id INT REFERENCES b);
CREATE TABLE b(id INTEGER PRIMARY KEY REFERENCES a, a_id INT NOT NULL REFERENCES a);
CREATE TABLE strict(id ANY PRIMARY KEY, n INTEGER) STRICT;
CREATE TABLE descending(id INTEGER PRIMARY KEY DESC);
CREATE TABLE without_rowid(id INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE logs(tenant_id TEXT, msg CLOB, "pointint" POINTINT);
CREATE TABLE copied AS SELECT * FROM logs;

CREATE VIEW v_users AS SELECT * FROM users;
CREATE TRIGGER v_users_del INSTEAD OF DELETE ON v_users BEGIN SELECT 1; END;
CREATE TRIGGER logs_del BEFORE DELETE ON LOGS BEGIN SELECT 1; END;
CREATE TRIGGER logs_upd AFTER UPDATE OF msg ON logs BEGIN SELECT 1; END;
CREATE TRIGGER logs_ins AFTER INSERT ON logs BEGIN DELETE FROM logs; END;
CREATE VIRTUAL TABLE search USING fts5(body);
ALTER TABLE logs ADD COLUMN org TEXT COLLATE NOCASE REFERENCES tenants;
