//! From plan and findings to text, for people and for machines. Pure.

pub mod archives;
mod consents;
pub mod csv;
pub mod doctor;
pub mod explain;
pub mod graph;
pub mod history;
pub mod html;
pub mod json;
mod lines;
pub mod markdown;
pub mod organizations;
mod path;
pub mod plan;
pub mod policy;
mod refusal_groups;
mod refusals;
mod rehearsal;
pub mod report;
pub mod restoration;
#[cfg(test)]
mod schemas;
pub mod script;
pub mod summary;
pub mod table;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

pub use report::{Outcome, Report, unproven};

/// `1 row`, `2 rows`
pub fn counted(count: u64, singular: &str) -> String {
    let plural = match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
        _ if singular.ends_with("ch") => format!("{singular}es"),
        _ => format!("{singular}s"),
    };
    format!("{} {}", grouped(count), if count == 1 { singular } else { &plural })
}

/// A number with thousands separated: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod number_tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_234_567, "row"), "1,234,567 rows");
        assert_eq!(counted(0, "company"), "0 companies");
        assert_eq!(counted(325, "day"), "325 days");
        assert_eq!(grouped(999), "999");
    }
}
