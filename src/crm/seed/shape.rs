//! How many rows of each table an organization gets.

/// Roles of every organization: admin, manager, sales.
pub const ROLES: u64 = 3;
/// Rows of `role_permissions` of every organization.
pub const GRANTS: u64 = 12;
pub const SESSIONS_PER_USER: u64 = 2;
pub const PAYMENTS_PER_DEAL: u64 = 2;
pub const LOGS_PER_DEAL: u64 = 3;
const ROWS_PER_DEAL: u64 = 1 + PAYMENTS_PER_DEAL + LOGS_PER_DEAL + 1;

/// Row counts. Each user is in one team and each project has one team.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    pub users: u64,
    pub clients: u64,
    pub teams: u64,
    pub projects: u64,
    pub deals: u64,
    pub notifications: u64,
}

/// The smallest organization: an admin, a manager, two sales people and their work.
const LEAST: Shape =
    Shape { users: 4, clients: 3, teams: 1, projects: 1, deals: 3, notifications: 4 };

impl Shape {
    /// An organization of exactly this many rows, or of the fewest possible (63). Deals and what
    /// hangs on them take seven eighths, as in a company that sells.
    pub fn of(rows: u64) -> Shape {
        let extra = rows.saturating_sub(LEAST.rows());
        let mut shape = Shape {
            users: LEAST.users + extra / 400,
            clients: LEAST.clients + extra / 50,
            teams: LEAST.teams + extra / 4000,
            projects: LEAST.projects + extra / 400,
            deals: LEAST.deals + extra / 8,
            ..LEAST
        };
        shape.notifications += rows.saturating_sub(shape.rows());
        shape
    }

    /// Rows in all, the organization's own included.
    pub fn rows(&self) -> u64 {
        let of_users = self.users * (1 + SESSIONS_PER_USER + 1);
        let of_teams = self.teams + self.projects * 2;
        let of_deals = self.deals * ROWS_PER_DEAL;
        1 + ROLES + GRANTS + of_users + self.clients + of_teams + of_deals + self.notifications
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_has_as_many_rows_as_asked_for() {
        assert_eq!(LEAST.rows(), 63);
        assert_eq!(Shape::of(0), LEAST);
        for rows in (63..5000).chain([1_000_000]) {
            assert_eq!(Shape::of(rows).rows(), rows);
        }
    }
}
