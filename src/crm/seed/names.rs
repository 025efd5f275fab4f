//! Invented names. Each is a function of its number alone, so that seeding twice asks for the same
//! organizations, whatever the seed.

const ADJECTIVES: [&str; 24] = [
    "Amber", "Blue", "Bright", "Cedar", "Clear", "Copper", "Crystal", "Eastern", "Golden",
    "Granite", "Green", "Harbor", "Ivory", "Lunar", "Maple", "Northern", "Pioneer", "Quiet", "Red",
    "Silver", "Solar", "Southern", "Summit", "Western",
];
const NOUNS: [&str; 24] = [
    "Anchor", "Bay", "Bridge", "Brook", "Canyon", "Cliff", "Coast", "Compass", "Creek", "Falcon",
    "Field", "Forest", "Gate", "Hill", "Island", "Lake", "Meadow", "Oak", "Peak", "Ridge", "River",
    "Stone", "Valley", "Wharf",
];
const TRADES: [&str; 8] =
    ["Logistics", "Foods", "Energy", "Textiles", "Software", "Media", "Health", "Partners"];
const FIRST_NAMES: [&str; 32] = [
    "Ada", "Marcus", "Priya", "Jonas", "Lena", "Omar", "Sofia", "Kenji", "Amara", "Diego",
    "Ingrid", "Tariq", "Mei", "Paul", "Zara", "Viktor", "Nora", "Samuel", "Leila", "Anton",
    "Chloe", "Rafael", "Hana", "Felix", "Ines", "Malik", "Greta", "Tomas", "Yara", "Oscar", "Ruth",
    "Idris",
];
const LAST_NAMES: [&str; 32] = [
    "Reyes", "Chen", "Nair", "Weber", "Okafor", "Haddad", "Rossi", "Tanaka", "Mensah", "Vargas",
    "Larsen", "Aziz", "Lin", "Moreau", "Khan", "Petrov", "Berg", "Cohen", "Farah", "Novak",
    "Dubois", "Costa", "Sato", "Keller", "Lopes", "Diallo", "Lindgren", "Horak", "Saleh", "Wilde",
    "Stein", "Bello",
];

/// The organization that owns the story.
pub const APEX: &str = "Apex Innovations Inc.";
/// A client of [`APEX`], and an organization of its own.
pub const GLOBAL: &str = "Global Corp";

/// The name of the organization with this number; all differ.
pub fn organization(number: u32) -> String {
    match number {
        0 => APEX.to_owned(),
        1 => GLOBAL.to_owned(),
        _ => company(u64::from(number) - 2),
    }
}

/// The name of an organization's client.
pub fn client(organization: u32, number: u64) -> String {
    match (organization, number) {
        (0, 0) => GLOBAL.to_owned(),
        // Two primes spread the names, so that neighbours share few clients.
        _ => company((u64::from(organization) * 131 + number * 17) % COMPANIES),
    }
}

/// How many companies there are before names get numbers.
const COMPANIES: u64 = (ADJECTIVES.len() * NOUNS.len() * TRADES.len()) as u64;

fn company(number: u64) -> String {
    let (adjective, noun, rest) = pair(number, &ADJECTIVES, &NOUNS);
    let trade = TRADES[rest as usize % TRADES.len()];
    match number / COMPANIES {
        0 => format!("{adjective} {noun} {trade}"),
        more => format!("{adjective} {noun} {trade} {}", more + 1),
    }
}

/// A person's full name and e-mail address. Within a domain, numbers give different addresses.
pub fn person(number: u64, domain: &str) -> (String, String) {
    let (first, last, rest) = pair(number, &FIRST_NAMES, &LAST_NAMES);
    let (local_first, local_last) = (first.to_lowercase(), last.to_lowercase());
    let namesake = if rest == 0 { String::new() } else { (rest + 1).to_string() };
    (format!("{first} {last}"), format!("{local_first}.{local_last}{namesake}@{domain}"))
}

/// A domain that no mail reaches: `apex-innovations.test`.
pub fn domain(organization: &str) -> String {
    let lower = organization.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.filter(|word| *word != "inc").collect();
    format!("{}.test", words.join("-"))
}

/// Walks through all pairs, both words changing at every step; returns what is left of the number.
fn pair<'a>(number: u64, left: &[&'a str], right: &[&'a str]) -> (&'a str, &'a str, u64) {
    let (lefts, rights) = (left.len() as u64, right.len() as u64);
    let (column, row) = (number % lefts, number / lefts % rights);
    (left[column as usize], right[((row + column) % rights) as usize], number / lefts / rights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn organizations_and_addresses_differ() {
        let numbers = 0..3 * COMPANIES as u32;
        let names: BTreeSet<String> = numbers.clone().map(organization).collect();
        let domains: BTreeSet<String> = names.iter().map(|name| domain(name)).collect();
        let people: BTreeSet<String> = (0..5000).map(|number| person(number, "x.test").1).collect();
        assert_eq!((names.len(), domains.len()), (numbers.len(), numbers.len()));
        assert_eq!(people.len(), 5000);
    }

    #[test]
    fn the_story_has_its_names() {
        let (name, address) = person(0, &domain(APEX));
        assert_eq!(
            (name.as_str(), address.as_str()),
            ("Ada Reyes", "ada.reyes@apex-innovations.test")
        );
        assert_eq!(client(0, 0), organization(1));
    }
}
