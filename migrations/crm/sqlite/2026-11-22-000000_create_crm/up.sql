-- The built-in CRM on SQLite. The PostgreSQL migration beside it makes the same tables, columns and
-- references: both must print the same src/crm/schema.rs. Times are UTC, amounts are cents.

CREATE TABLE organizations (
    id INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE permissions (
    id INTEGER PRIMARY KEY NOT NULL,
    code TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
);

-- A role without an organization is a system role.
CREATE TABLE roles (
    id INTEGER PRIMARY KEY NOT NULL,
    organization_id BIGINT REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    UNIQUE (organization_id, name)
);

CREATE TABLE role_permissions (
    role_id BIGINT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    permission_id BIGINT NOT NULL REFERENCES permissions (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);
CREATE INDEX role_permissions_permission_id_idx ON role_permissions (permission_id);

-- A user without an organization is a super admin, or was left over by an older clean-up.
CREATE TABLE users (
    id INTEGER PRIMARY KEY NOT NULL,
    organization_id BIGINT REFERENCES organizations (id) ON DELETE CASCADE,
    role_id BIGINT REFERENCES roles (id) ON DELETE SET NULL,
    email TEXT NOT NULL UNIQUE,
    full_name TEXT NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX users_organization_id_idx ON users (organization_id);
CREATE INDEX users_role_id_idx ON users (role_id);

CREATE TABLE user_sessions (
    id INTEGER PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token TEXT NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX user_sessions_user_id_idx ON user_sessions (user_id);

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    message TEXT NOT NULL,
    is_read BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX notifications_user_id_idx ON notifications (user_id);

CREATE TABLE clients (
    id INTEGER PRIMARY KEY NOT NULL,
    organization_id BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_by BIGINT REFERENCES users (id) ON DELETE SET NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX clients_organization_id_idx ON clients (organization_id);
CREATE INDEX clients_created_by_idx ON clients (created_by);

-- RESTRICT: whoever created a deal cannot be deleted while the deal exists. `deal_id` is its number
-- within the organization (DLID0001, ...), `name` the client's.
CREATE TABLE deals (
    id INTEGER PRIMARY KEY NOT NULL,
    organization_id BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    client_id BIGINT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    created_by BIGINT NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    deal_id TEXT NOT NULL,
    name TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    status TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (organization_id, deal_id)
);
CREATE INDEX deals_client_id_idx ON deals (client_id);
CREATE INDEX deals_created_by_idx ON deals (created_by);

CREATE TABLE payments (
    id INTEGER PRIMARY KEY NOT NULL,
    deal_id BIGINT NOT NULL REFERENCES deals (id) ON DELETE CASCADE,
    recorded_by BIGINT REFERENCES users (id) ON DELETE RESTRICT,
    amount_cents BIGINT NOT NULL,
    paid_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX payments_deal_id_idx ON payments (deal_id);
CREATE INDEX payments_recorded_by_idx ON payments (recorded_by);

CREATE TABLE activity_logs (
    id INTEGER PRIMARY KEY NOT NULL,
    deal_id BIGINT NOT NULL REFERENCES deals (id) ON DELETE CASCADE,
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    action TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX activity_logs_deal_id_idx ON activity_logs (deal_id);
CREATE INDEX activity_logs_user_id_idx ON activity_logs (user_id);

CREATE TABLE commissions (
    id INTEGER PRIMARY KEY NOT NULL,
    deal_id BIGINT NOT NULL REFERENCES deals (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    amount_cents BIGINT NOT NULL
);
CREATE INDEX commissions_deal_id_idx ON commissions (deal_id);
CREATE INDEX commissions_user_id_idx ON commissions (user_id);

CREATE TABLE teams (
    id INTEGER PRIMARY KEY NOT NULL,
    organization_id BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    lead_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    name TEXT NOT NULL
);
CREATE INDEX teams_organization_id_idx ON teams (organization_id);
CREATE INDEX teams_lead_id_idx ON teams (lead_id);

CREATE TABLE team_members (
    team_id BIGINT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_user_id_idx ON team_members (user_id);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY NOT NULL,
    organization_id BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    client_id BIGINT REFERENCES clients (id) ON DELETE SET NULL,
    name TEXT NOT NULL
);
CREATE INDEX projects_organization_id_idx ON projects (organization_id);
CREATE INDEX projects_client_id_idx ON projects (client_id);

CREATE TABLE team_projects (
    team_id BIGINT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (team_id, project_id)
);
CREATE INDEX team_projects_project_id_idx ON team_projects (project_id);
