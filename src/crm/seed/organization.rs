//! One organization with all that belongs to it. Nothing here refers to another organization, so
//! that a forced clean-up of any of them succeeds.

use super::rows::*;
use super::shape::{LOGS_PER_DEAL, PAYMENTS_PER_DEAL, SESSIONS_PER_USER, Shape};
use super::store::{Batch, Store, next};
use super::{BASE, names};
use crate::database::Result;
use fastrand::Rng;
use std::ops::Range;
use time::{Duration, PrimitiveDateTime};

/// Name, and how many permissions of the catalogue it has.
const ROLES: [(&str, usize); 3] = [("admin", 6), ("manager", 4), ("sales", 2)];
const STATUSES: [&str; 4] = ["open", "negotiation", "won", "lost"];
const ACTIONS: [&str; 4] = ["created", "called the client", "sent an offer", "updated the amount"];

/// Which organization to make.
pub(super) struct Order {
    /// 0 is the story's, see [`names::organization`].
    pub number: u32,
    pub name: String,
    pub shape: Shape,
    pub seed: u64,
}

/// An organization being written. Its users, clients and so on have consecutive keys.
struct Work<'a, 'b> {
    store: &'a mut Store<'b>,
    order: &'a Order,
    random: Rng,
    id: i64,
    roles: Range<i64>,
    users: Range<i64>,
    clients: Range<i64>,
}

pub(super) fn add(store: &mut Store, order: &Order, permissions: &[i64]) -> Result<()> {
    // Own random numbers for each: the same content, whichever others are made along with it.
    let seed = order.seed ^ u64::from(order.number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let id = next(&mut store.ids.organizations);
    let roles = coming(store.ids.roles, ROLES.len() as u64);
    let users = coming(store.ids.users, order.shape.users);
    let clients = coming(store.ids.clients, order.shape.clients);
    let random = Rng::with_seed(seed);
    let mut work = Work { store, order, random, id, roles, users, clients };
    work.organization(permissions);
    work.people()?;
    work.notifications()?;
    work.clients()?;
    work.teams()?;
    work.deals()
}

/// The next `count` keys after the last one.
fn coming(last: i64, count: u64) -> Range<i64> {
    last + 1..last + 1 + count as i64
}

impl Work<'_, '_> {
    fn organization(&mut self, permissions: &[i64]) {
        let Batch { organizations, roles, role_permissions, .. } = &mut self.store.batch;
        let created_at = BASE + Duration::hours(i64::from(self.order.number % 8760));
        organizations.push(Organization { id: self.id, name: self.order.name.clone(), created_at });
        for (name, grants) in ROLES {
            let role_id = next(&mut self.store.ids.roles);
            roles.push(Role { id: role_id, organization_id: Some(self.id), name });
            let grants = permissions[..grants].iter();
            role_permissions
                .extend(grants.map(|&permission_id| RolePermission { role_id, permission_id }));
        }
    }

    /// An admin, a manager, and everybody else in sales.
    fn people(&mut self) -> Result<()> {
        let domain = names::domain(&self.order.name);
        for index in 0..self.order.shape.users {
            let (full_name, email) =
                names::person(index + u64::from(self.order.number) * 5, &domain);
            let id = next(&mut self.store.ids.users);
            let created_at = self.moment();
            self.store.batch.users.push(User {
                id,
                organization_id: Some(self.id),
                role_id: Some(self.roles.start + index.min(2) as i64),
                email,
                full_name,
                is_active: index < 4 || self.random.u8(..) > 20,
                created_at,
            });
            for _ in 0..SESSIONS_PER_USER {
                self.session(id);
            }
            self.store.relieve()?;
        }
        Ok(())
    }

    fn session(&mut self, user_id: i64) {
        let created_at = self.moment();
        self.store.batch.user_sessions.push(UserSession {
            id: next(&mut self.store.ids.user_sessions),
            user_id,
            token: format!("{:032x}", self.random.u128(..)),
            created_at,
            expires_at: created_at + Duration::days(14),
        });
    }

    fn notifications(&mut self) -> Result<()> {
        for index in 0..self.order.shape.notifications {
            let created_at = self.moment();
            let deal = self.random.u64(1..=self.order.shape.deals);
            self.store.batch.notifications.push(Notification {
                id: next(&mut self.store.ids.notifications),
                user_id: self.users.start + (index % self.order.shape.users) as i64,
                message: format!("Deal {} was updated", number(deal)),
                is_read: self.random.bool(),
                created_at,
            });
            self.store.relieve()?;
        }
        Ok(())
    }

    fn clients(&mut self) -> Result<()> {
        for index in 0..self.order.shape.clients {
            let created_at = self.moment();
            let created_by = Some(self.random.i64(self.users.clone()));
            self.store.batch.clients.push(Client {
                id: next(&mut self.store.ids.clients),
                organization_id: self.id,
                created_by,
                name: names::client(self.order.number, index),
                created_at,
            });
            self.store.relieve()?;
        }
        Ok(())
    }

    /// Teams, led by the manager and his successors, with their members and projects.
    fn teams(&mut self) -> Result<()> {
        let teams = coming(self.store.ids.teams, self.order.shape.teams);
        for (index, id) in teams.clone().enumerate() {
            self.store.ids.teams = id;
            self.store.batch.teams.push(Team {
                id,
                organization_id: self.id,
                lead_id: Some(self.users.start + 1 + index as i64),
                name: format!("Team {}", index + 1),
            });
        }
        for (user_id, team_id) in self.users.clone().zip(teams.clone().cycle()) {
            self.store.batch.team_members.push(TeamMember { team_id, user_id });
            self.store.relieve()?;
        }
        for (index, team_id) in (0..self.order.shape.projects).zip(teams.cycle()) {
            let project_id = next(&mut self.store.ids.projects);
            let client = index % self.order.shape.clients;
            self.store.batch.projects.push(Project {
                id: project_id,
                organization_id: self.id,
                client_id: Some(self.clients.start + client as i64),
                name: format!("Rollout for {}", names::client(self.order.number, client)),
            });
            self.store.batch.team_projects.push(TeamProject { team_id, project_id });
            self.store.relieve()?;
        }
        Ok(())
    }

    fn deals(&mut self) -> Result<()> {
        for index in 0..self.order.shape.deals {
            // The first clients get the first deals: DLID0001 is Global Corp's.
            let client = if index < self.order.shape.clients {
                index
            } else {
                self.random.u64(0..self.order.shape.clients)
            };
            let id = next(&mut self.store.ids.deals);
            let created_at = self.moment();
            let created_by = self.seller();
            let amount_cents = self.random.i64(1_000..5_000_000);
            self.store.batch.deals.push(Deal {
                id,
                organization_id: self.id,
                client_id: self.clients.start + client as i64,
                created_by,
                deal_id: number(index + 1),
                name: names::client(self.order.number, client),
                amount_cents,
                status: STATUSES[self.random.usize(0..STATUSES.len())],
                created_at,
            });
            self.around_deal(id, created_by, amount_cents, created_at);
            self.store.relieve()?;
        }
        Ok(())
    }

    fn around_deal(&mut self, deal_id: i64, seller: i64, amount: i64, created: PrimitiveDateTime) {
        for part in 1..=PAYMENTS_PER_DEAL as i64 {
            let recorded_by = self.now_and_then_nobody();
            self.store.batch.payments.push(Payment {
                id: next(&mut self.store.ids.payments),
                deal_id,
                recorded_by,
                amount_cents: amount / PAYMENTS_PER_DEAL as i64,
                paid_at: created + Duration::days(30 * part),
            });
        }
        for part in 0..LOGS_PER_DEAL as i64 {
            let user_id = self.now_and_then_nobody();
            self.store.batch.activity_logs.push(ActivityLog {
                id: next(&mut self.store.ids.activity_logs),
                deal_id,
                user_id,
                action: ACTIONS[part as usize % ACTIONS.len()],
                created_at: created + Duration::hours(part),
            });
        }
        self.store.batch.commissions.push(Commission {
            id: next(&mut self.store.ids.commissions),
            deal_id,
            user_id: seller,
            amount_cents: amount / 20,
        });
    }

    /// Anyone but the admin.
    fn seller(&mut self) -> i64 {
        self.random.i64(self.users.start + 1..self.users.end)
    }

    fn now_and_then_nobody(&mut self) -> Option<i64> {
        (self.random.u8(0..8) > 0).then(|| self.seller())
    }

    /// A moment in the first quarter after [`BASE`].
    fn moment(&mut self) -> PrimitiveDateTime {
        BASE + Duration::seconds(self.random.i64(0..90 * 86_400))
    }
}

/// A deal's number within its organization.
fn number(deal: u64) -> String {
    format!("DLID{deal:04}")
}
