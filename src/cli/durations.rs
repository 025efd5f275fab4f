//! Durations as flags take them: `30s`, `1h 30m`, `7d`.

use std::time::Duration;

/// As humantime counts it.
const YEAR: Duration = Duration::from_secs(31_557_600);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One that a clock can count to.
///
/// # Errors
/// It is none, or longer than a thousand years.
pub fn duration(text: &str) -> Result<Duration, String> {
    at_most(text, YEAR * 1000, "1000 years")
}

/// How long a lock may be waited for: PostgreSQL and SQLite count milliseconds in 31 bits, which are 24 days
/// (<https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT>).
///
/// # Errors
/// As for [`duration`].
pub fn lock_timeout(text: &str) -> Result<Duration, String> {
    at_most(text, DAY * 24, "24 days")
}

/// `400d`, `1d12h`: as people type it. humantime counts years and months.
pub fn shown(duration: Duration) -> String {
    let days = duration.as_secs() / DAY.as_secs();
    let rest = duration - DAY * u32::try_from(days).unwrap_or_default();
    let rest_shown = humantime::format_duration(rest).to_string().replace(' ', "");
    match (days, rest.is_zero()) {
        (0, _) => rest_shown,
        (days, true) => format!("{days}d"),
        (days, false) => format!("{days}d{rest_shown}"),
    }
}

fn at_most(text: &str, most: Duration, words: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| match text.parse::<u64>() {
        Ok(number) => format!("{number} of what? as in 30s, 12h or 7d: {number}d are days"),
        Err(_) => format!("{error}: a duration is a number and its unit, as in 30s, 12h or 7d"),
    })?;
    if duration <= most { Ok(duration) } else { Err(format!("it is longer than {words}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn it_is_shown_as_it_is_typed() {
        for text in ["400d", "1d12h", "36m", "30s", "1000d1h"] {
            assert_eq!(duration(text).map(shown), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_none_is_told_what_one_looks_like() {
        for text in ["7", "yesterday"] {
            let told = duration(text).expect_err(text);
            assert!(told.contains("as in 30s, 12h or 7d"), "{told}");
            assert_eq!(text == "7", told.contains("7d are days"), "{told}");
        }
    }

    #[test]
    fn no_clock_overflows() {
        let longest = duration("1000y").expect("a thousand years");
        assert!(Instant::now().checked_add(longest).is_some());
        for text in ["1001y", "366000d", "18446744073709551615s", "5", "", "-1s"] {
            duration(text).expect_err(text);
        }
        assert_eq!(lock_timeout("24d").map(|d| d.as_millis() < 1 << 31), Ok(true));
        assert_eq!(lock_timeout("30d"), Err("it is longer than 24 days".into()));
        assert_eq!(lock_timeout("500us"), Ok(Duration::from_micros(500)));
    }
}
