//! What belongs to no organization: the permission catalogue, a system role, a super admin, and a
//! user whose organization an older clean-up took away.

use super::rows::{Permission, Role, RolePermission, User};
use super::store::{Store, next, on_driver};
use super::{BASE, names};
use crate::crm::schema::{permissions, roles, users};
use crate::database::{Driver, Result};
use diesel::prelude::*;

/// Code and meaning. Admins may do all of this, managers the first four, sales the first two.
const PERMISSIONS: [(&str, &str); 6] = [
    ("deals.view", "See deals"),
    ("deals.edit", "Create and change deals"),
    ("payments.record", "Record payments"),
    ("reports.view", "See reports"),
    ("users.manage", "Invite and remove users"),
    ("organization.manage", "Change the organization"),
];
const SYSTEM_ROLE: &str = "super admin";
const SYSTEM_DOMAIN: &str = "crm-platform.test";
const CLOSED_DOMAIN: &str = "closed-company.test";

/// Adds what is missing; returns the permissions' keys in the order of the catalogue.
pub(super) fn add(store: &mut Store) -> Result<Vec<i64>> {
    let permissions = permissions(store)?;
    let role = role(store, &permissions)?;
    user(store, names::person(9, SYSTEM_DOMAIN), Some(role))?;
    user(store, names::person(20, CLOSED_DOMAIN), None)?;
    Ok(permissions)
}

/// Adds a user without an organization, unless the address is taken.
fn user(
    store: &mut Store,
    (full_name, email): (String, String),
    role_id: Option<i64>,
) -> Result<()> {
    let query = users::table.filter(users::email.eq(&email)).select(users::id);
    let known: Option<i64> =
        on_driver!(store.database, connection => query.first(connection).optional())?;
    if known.is_none() {
        store.batch.users.push(User {
            id: next(&mut store.ids.users),
            organization_id: None,
            role_id,
            email,
            full_name,
            is_active: role_id.is_some(),
            created_at: BASE,
        });
    }
    Ok(())
}

fn permissions(store: &mut Store) -> Result<Vec<i64>> {
    let query = permissions::table.select((permissions::code, permissions::id));
    let known: Vec<(String, i64)> =
        on_driver!(store.database, connection => query.load(connection))?;
    let mut keys = Vec::new();
    for (code, description) in PERMISSIONS {
        let key = match known.iter().find(|(known, _)| known == code) {
            Some((_, id)) => *id,
            None => {
                let id = next(&mut store.ids.permissions);
                store.batch.permissions.push(Permission { id, code, description });
                id
            }
        };
        keys.push(key);
    }
    Ok(keys)
}

fn role(store: &mut Store, permissions: &[i64]) -> Result<i64> {
    let query = roles::table
        .filter(roles::organization_id.is_null().and(roles::name.eq(SYSTEM_ROLE)))
        .select(roles::id);
    let known: Option<i64> =
        on_driver!(store.database, connection => query.first(connection).optional())?;
    if let Some(id) = known {
        return Ok(id);
    }
    let id = next(&mut store.ids.roles);
    store.batch.roles.push(Role { id, organization_id: None, name: SYSTEM_ROLE });
    let grants =
        permissions.iter().map(|&permission_id| RolePermission { role_id: id, permission_id });
    store.batch.role_permissions.extend(grants);
    Ok(id)
}
