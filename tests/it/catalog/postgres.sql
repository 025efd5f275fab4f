CREATE SCHEMA billing; CREATE SCHEMA "Mixed Schema";
CREATE TABLE tenants(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), slug text NOT NULL UNIQUE, owner_id bigint);
CREATE TABLE users(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE, email text,
    manager_id bigint REFERENCES users ON DELETE SET NULL, UNIQUE (tenant_id, id));
CREATE INDEX users_tenant ON users(tenant_id);
CREATE INDEX users_manager_range ON users USING brin (manager_id);
ALTER TABLE tenants ADD CONSTRAINT tenants_owner_fk
    FOREIGN KEY (owner_id) REFERENCES users DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE billing."Invoice"("Tenant" uuid NOT NULL, "No" int NOT NULL, "User" bigint,
    total numeric(12,2) CHECK (total >= 0), total_x2 numeric GENERATED ALWAYS AS (total * 2) STORED,
    note bytea, tags text[], PRIMARY KEY ("Tenant", "No"),
    CONSTRAINT "inv user" FOREIGN KEY ("Tenant", "User") REFERENCES users(tenant_id, id) MATCH FULL DEFERRABLE,
    CONSTRAINT inv_tenant FOREIGN KEY ("Tenant") REFERENCES tenants(id) ON DELETE RESTRICT ON UPDATE CASCADE);
-- The parent's key in another order.
CREATE TABLE billing.invoice_lines(id serial PRIMARY KEY, tenant uuid, no int, line jsonb,
    CONSTRAINT il_fk FOREIGN KEY (no, tenant) REFERENCES billing."Invoice"("No", "Tenant") ON DELETE CASCADE);
CREATE INDEX il_partial ON billing.invoice_lines(no, tenant) WHERE no > 5;
CREATE INDEX il_wide ON billing.invoice_lines(tenant, no, id);
CREATE INDEX il_narrow ON billing.invoice_lines(tenant, no) INCLUDE (line);
CREATE TABLE "Mixed Schema"."Weird ""quoted"" tbl"("id" int PRIMARY KEY, "tenant;id" uuid REFERENCES tenants,
    parent int REFERENCES "Mixed Schema"."Weird ""quoted"" tbl"(id) ON DELETE CASCADE);
CREATE TABLE docs(tenant_id uuid NOT NULL, doc_id int NOT NULL, author bigint DEFAULT 7, PRIMARY KEY (tenant_id, doc_id),
    CONSTRAINT docs_author FOREIGN KEY (tenant_id, author) REFERENCES users(tenant_id, id) ON DELETE SET NULL (author),
    CONSTRAINT docs_default FOREIGN KEY (author) REFERENCES users ON DELETE SET DEFAULT);
CREATE TABLE a(id int PRIMARY KEY, b_id int, tenant_id uuid REFERENCES tenants);
CREATE TABLE b(id int PRIMARY KEY, a_id int NOT NULL REFERENCES a);
ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b;
CREATE TABLE animals(id int PRIMARY KEY, tenant_id uuid REFERENCES tenants);
CREATE TABLE dogs(bark text) INHERITS (animals);

CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE DOMAIN label AS varchar(20) DEFAULT 'none' NOT NULL;
CREATE DOMAIN short_label AS label CHECK (length(VALUE) < 10);
CREATE TABLE logs(m mood, s short_label, c char(3), n name, x xml, at timestamptz,
    CONSTRAINT whole CHECK (logs IS NOT NULL));
ALTER TABLE logs ADD CONSTRAINT later CHECK (c <> '') NOT VALID;
CREATE TABLE keys(a int NOT NULL, b int, c int NOT NULL, gone int,
    UNIQUE (b, a), CONSTRAINT one_null UNIQUE NULLS NOT DISTINCT (b), UNIQUE (c) INCLUDE (a),
    CONSTRAINT late UNIQUE (a) DEFERRABLE, EXCLUDE USING btree (a WITH =));
ALTER TABLE keys DROP COLUMN gone;
CREATE UNIQUE INDEX keys_partial ON keys(a) WHERE a > 5;
CREATE UNIQUE INDEX keys_expression ON keys(abs(a));
CREATE TABLE sess(token text NOT NULL UNIQUE, tenant_id uuid NOT NULL);
ALTER TABLE sess ADD CONSTRAINT sess_t FOREIGN KEY (tenant_id) REFERENCES tenants NOT VALID;

CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;
CREATE TRIGGER sess_del BEFORE DELETE ON sess FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER sess_both AFTER UPDATE OF token OR DELETE ON sess EXECUTE FUNCTION f();
CREATE TRIGGER sess_ins AFTER INSERT OR TRUNCATE ON sess EXECUTE FUNCTION f();
CREATE TRIGGER sess_off AFTER DELETE ON sess EXECUTE FUNCTION f();
CREATE TRIGGER sess_replica AFTER DELETE ON sess EXECUTE FUNCTION f();
ALTER TABLE sess DISABLE TRIGGER sess_off;
ALTER TABLE sess ENABLE REPLICA TRIGGER sess_replica;
CREATE RULE no_del AS ON DELETE TO logs DO INSTEAD NOTHING;
CREATE RULE no_ins AS ON INSERT TO logs DO INSTEAD NOTHING;
CREATE VIEW v_users AS SELECT * FROM users;
CREATE RULE v_del AS ON DELETE TO v_users DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW mv_users AS SELECT count(*) c FROM users;
