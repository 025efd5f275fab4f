//! One struct per table: a row about to be inserted. Every value is given, ids included, so that a
//! statement's text never changes and rows can name each other before they are stored.

use crate::crm::schema;
use diesel::prelude::Insertable;
use time::PrimitiveDateTime;

/// Structs that insert NULL for `None` instead of leaving the column out: that keeps the statement
/// preparable once on SQLite, and lets PostgreSQL take the rows by COPY.
macro_rules! rows {
    ($($table:ident => $row:ident { $($column:ident: $type:ty),* $(,)? })*) => {
        $(
            #[derive(Insertable)]
            #[diesel(table_name = schema::$table, treat_none_as_default_value = false)]
            pub(super) struct $row { $(pub $column: $type),* }
        )*
    };
}

rows! {
    organizations => Organization { id: i64, name: String, created_at: PrimitiveDateTime }
    permissions => Permission { id: i64, code: &'static str, description: &'static str }
    roles => Role { id: i64, organization_id: Option<i64>, name: &'static str }
    role_permissions => RolePermission { role_id: i64, permission_id: i64 }
    users => User {
        id: i64,
        organization_id: Option<i64>,
        role_id: Option<i64>,
        email: String,
        full_name: String,
        is_active: bool,
        created_at: PrimitiveDateTime,
    }
    user_sessions => UserSession {
        id: i64,
        user_id: i64,
        token: String,
        created_at: PrimitiveDateTime,
        expires_at: PrimitiveDateTime,
    }
    notifications => Notification {
        id: i64,
        user_id: i64,
        message: String,
        is_read: bool,
        created_at: PrimitiveDateTime,
    }
    clients => Client {
        id: i64,
        organization_id: i64,
        created_by: Option<i64>,
        name: String,
        created_at: PrimitiveDateTime,
    }
    teams => Team { id: i64, organization_id: i64, lead_id: Option<i64>, name: String }
    team_members => TeamMember { team_id: i64, user_id: i64 }
    projects => Project { id: i64, organization_id: i64, client_id: Option<i64>, name: String }
    team_projects => TeamProject { team_id: i64, project_id: i64 }
    deals => Deal {
        id: i64,
        organization_id: i64,
        client_id: i64,
        created_by: i64,
        deal_id: String,
        name: String,
        amount_cents: i64,
        status: &'static str,
        created_at: PrimitiveDateTime,
    }
    payments => Payment {
        id: i64,
        deal_id: i64,
        recorded_by: Option<i64>,
        amount_cents: i64,
        paid_at: PrimitiveDateTime,
    }
    activity_logs => ActivityLog {
        id: i64,
        deal_id: i64,
        user_id: Option<i64>,
        action: &'static str,
        created_at: PrimitiveDateTime,
    }
    commissions => Commission { id: i64, deal_id: i64, user_id: i64, amount_cents: i64 }
}
