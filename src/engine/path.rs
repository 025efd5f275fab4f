//! PostgreSQL's search_path: whose operators, functions, casts, types and tables a bare name means.
//!
//! A transaction of ours begins with a path of pg_catalog alone, so that nothing that another role can create
//! is found by a name of ours: an `=` for varchar in a schema of the path is a closer match than
//! pg_catalog's for text, whatever comes first. Statements that run a user's code (triggers, defaults, domains' and
//! tables' checks) run under the path that the session came with, which that code may want, and name everything of theirs in full
//! (<https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH>). Other engines have no path.

/// Notes the session's path and the schemas on it for this transaction, then leaves it. pg_temp goes last on the
/// noted path, where it is usually first without being named: a trigger that reads a table called like
/// one of ours means its own. Sent with BEGIN.
macro_rules! leave {
    () => {
        concat!("SELECT ", path::noted!(), "; ", path::left!())
    };
}
macro_rules! noted {
    () => {
        "pg_catalog.set_config('orgsweep.search_path', pg_catalog.concat_ws(', ', \
         pg_catalog.substring(pg_catalog.current_setting('search_path'), '.+'), 'pg_temp'), true), \
         pg_catalog.set_config('orgsweep.schemas', pg_catalog.current_schemas(true)::pg_catalog.text, true)"
    };
}
macro_rules! left {
    () => {
        "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL quote_all_identifiers = off"
    };
}
pub(crate) use {leave, left, noted};

/// A type as `format_type` names it under our path (a user's with its schema, a built-in one without), so
/// that it means the same under any. Where SQL itself has a word for a type, no schema can hide it, nor can one be written.
pub(crate) fn built_in(type_name: &str) -> String {
    const WORDS: [&str; 12] = [
        "bigint",
        "bit",
        "boolean",
        "character",
        "double",
        "integer",
        "interval",
        "numeric",
        "real",
        "smallint",
        "time",
        "timestamp",
    ];
    let end = type_name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let word = &type_name[..end.unwrap_or(type_name.len())];
    if is_users(type_name) || WORDS.contains(&word) {
        type_name.to_owned()
    } else {
        format!("pg_catalog.{type_name}")
    }
}

/// The same without a length or precision: a cast to `character(3)` cuts and one to `timestamp(0)` rounds; and
/// without its length `character` means one.
pub(crate) fn of_any_length(type_name: &str) -> String {
    let (array, element) = match type_name.strip_suffix("[]") {
        Some(element) => ("[]", element),
        None => ("", type_name),
    };
    let element = match element.split('(').next() {
        Some("character") => "pg_catalog.bpchar".to_owned(),
        Some("bit") => "pg_catalog.\"bit\"".to_owned(),
        Some(name @ ("character varying" | "bit varying" | "numeric")) => name.to_owned(),
        Some(name) if name.starts_with("interval") => "interval".to_owned(),
        Some(name @ ("time" | "timestamp")) => {
            let zone = element.split_once(')').map_or("", |(_, zone)| zone);
            format!("{name}{zone}")
        }
        _ => built_in(element),
    };
    element + array
}

/// The type is none of the engine's own: somebody may have made casts for it.
pub(crate) fn is_users(type_name: &str) -> bool {
    type_name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_mean_the_same_under_any_path() {
        for (name, full) in [
            ("text", "pg_catalog.text"),
            ("text[]", "pg_catalog.text[]"),
            ("\"char\"", "pg_catalog.\"char\""),
            ("character varying(20)", "character varying(20)"),
            ("timestamp(3) with time zone", "timestamp(3) with time zone"),
            ("time without time zone", "time without time zone"),
            ("timetz", "pg_catalog.timetz"),
            ("bit varying(3)", "bit varying(3)"),
            ("public.mood", "public.mood"),
            ("app.\"My Type\"[]", "app.\"My Type\"[]"),
            ("geo.geometry(Point,4326)", "geo.geometry(Point,4326)"),
        ] {
            assert_eq!(built_in(name), full);
        }
    }

    #[test]
    fn a_type_without_its_length_takes_all_values() {
        for (name, full) in [
            ("character(3)", "pg_catalog.bpchar"),
            ("character", "pg_catalog.bpchar"),
            ("bit(7)[]", "pg_catalog.\"bit\"[]"),
            ("character varying(20)[]", "character varying[]"),
            ("numeric(9,2)", "numeric"),
            ("timestamp(3) with time zone", "timestamp with time zone"),
            ("time(0) without time zone", "time without time zone"),
            ("timestamp with time zone", "timestamp with time zone"),
            ("interval day to second(3)", "interval"),
            ("public.mood", "public.mood"),
        ] {
            assert_eq!(of_any_length(name), full);
        }
    }
}
