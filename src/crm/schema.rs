// @generated automatically by Diesel CLI.

diesel::table! {
    activity_logs (id) {
        id -> BigInt,
        deal_id -> BigInt,
        user_id -> Nullable<BigInt>,
        action -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    clients (id) {
        id -> BigInt,
        organization_id -> BigInt,
        created_by -> Nullable<BigInt>,
        name -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    commissions (id) {
        id -> BigInt,
        deal_id -> BigInt,
        user_id -> BigInt,
        amount_cents -> BigInt,
    }
}

diesel::table! {
    deals (id) {
        id -> BigInt,
        organization_id -> BigInt,
        client_id -> BigInt,
        created_by -> BigInt,
        deal_id -> Text,
        name -> Text,
        amount_cents -> BigInt,
        status -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    notifications (id) {
        id -> BigInt,
        user_id -> BigInt,
        message -> Text,
        is_read -> Bool,
        created_at -> Timestamp,
    }
}

diesel::table! {
    organizations (id) {
        id -> BigInt,
        name -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    payments (id) {
        id -> BigInt,
        deal_id -> BigInt,
        recorded_by -> Nullable<BigInt>,
        amount_cents -> BigInt,
        paid_at -> Timestamp,
    }
}

diesel::table! {
    permissions (id) {
        id -> BigInt,
        code -> Text,
        description -> Text,
    }
}

diesel::table! {
    projects (id) {
        id -> BigInt,
        organization_id -> BigInt,
        client_id -> Nullable<BigInt>,
        name -> Text,
    }
}

diesel::table! {
    role_permissions (role_id, permission_id) {
        role_id -> BigInt,
        permission_id -> BigInt,
    }
}

diesel::table! {
    roles (id) {
        id -> BigInt,
        organization_id -> Nullable<BigInt>,
        name -> Text,
    }
}

diesel::table! {
    team_members (team_id, user_id) {
        team_id -> BigInt,
        user_id -> BigInt,
    }
}

diesel::table! {
    team_projects (team_id, project_id) {
        team_id -> BigInt,
        project_id -> BigInt,
    }
}

diesel::table! {
    teams (id) {
        id -> BigInt,
        organization_id -> BigInt,
        lead_id -> Nullable<BigInt>,
        name -> Text,
    }
}

diesel::table! {
    user_sessions (id) {
        id -> BigInt,
        user_id -> BigInt,
        token -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        organization_id -> Nullable<BigInt>,
        role_id -> Nullable<BigInt>,
        email -> Text,
        full_name -> Text,
        is_active -> Bool,
        created_at -> Timestamp,
    }
}

diesel::joinable!(activity_logs -> deals (deal_id));
diesel::joinable!(activity_logs -> users (user_id));
diesel::joinable!(clients -> organizations (organization_id));
diesel::joinable!(clients -> users (created_by));
diesel::joinable!(commissions -> deals (deal_id));
diesel::joinable!(commissions -> users (user_id));
diesel::joinable!(deals -> clients (client_id));
diesel::joinable!(deals -> organizations (organization_id));
diesel::joinable!(deals -> users (created_by));
diesel::joinable!(notifications -> users (user_id));
diesel::joinable!(payments -> deals (deal_id));
diesel::joinable!(payments -> users (recorded_by));
diesel::joinable!(projects -> clients (client_id));
diesel::joinable!(projects -> organizations (organization_id));
diesel::joinable!(role_permissions -> permissions (permission_id));
diesel::joinable!(role_permissions -> roles (role_id));
diesel::joinable!(roles -> organizations (organization_id));
diesel::joinable!(team_members -> teams (team_id));
diesel::joinable!(team_members -> users (user_id));
diesel::joinable!(team_projects -> projects (project_id));
diesel::joinable!(team_projects -> teams (team_id));
diesel::joinable!(teams -> organizations (organization_id));
diesel::joinable!(teams -> users (lead_id));
diesel::joinable!(user_sessions -> users (user_id));
diesel::joinable!(users -> organizations (organization_id));
diesel::joinable!(users -> roles (role_id));

diesel::allow_tables_to_appear_in_same_query!(
    activity_logs,
    clients,
    commissions,
    deals,
    notifications,
    organizations,
    payments,
    permissions,
    projects,
    role_permissions,
    roles,
    team_members,
    team_projects,
    teams,
    user_sessions,
    users,
);
