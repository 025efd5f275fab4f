//! A run's numbers in Prometheus' text format, for node_exporter's textfile collector
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). Pure. Names of organizations are not
//! in it.

use crate::receipt::Receipt;
use std::collections::BTreeMap;
use std::fmt::Write;

const LAST_SUCCESS: &str = "orgsweep_last_success_timestamp_seconds";

/// The metrics of a run that has ended; `previous` is the file of the run before, from which the time of
/// the last success is kept where this one had none.
pub fn render(receipt: &Receipt, previous: &str) -> String {
    let started = receipt.started_at.unix_timestamp_nanos() as f64 / 1e9;
    let ended = started + receipt.seconds;
    let success = match receipt.exit {
        0 => Some(ended),
        _ => kept(previous),
    };
    let sum = |count: fn(&crate::receipt::Part) -> u64| -> f64 {
        receipt.parts.iter().map(count).sum::<u64>() as f64
    };
    let mut text = String::new();
    gauge(&mut text, "orgsweep_last_run_timestamp_seconds", "When the last run ended.", ended);
    if let Some(success) = success {
        gauge(&mut text, LAST_SUCCESS, "When the last run that ended with exit 0 ended.", success);
    }
    let exit = f64::from(receipt.exit);
    gauge(&mut text, "orgsweep_last_exit_code", "The exit code of the last run.", exit);
    let seconds = receipt.seconds;
    gauge(&mut text, "orgsweep_last_duration_seconds", "How long the last run took.", seconds);
    let unlinked = sum(|part| part.unlinked);
    gauge(&mut text, "orgsweep_last_rows_unlinked", "Rows unlinked by the last run.", unlinked);
    let mut tables = BTreeMap::<&str, u64>::new();
    let mut outcomes = BTreeMap::<&str, u64>::new();
    for part in &receipt.parts {
        *outcomes.entry(&part.outcome).or_default() += 1;
        for (table, rows) in &part.tables {
            *tables.entry(table).or_default() += rows;
        }
    }
    let help = "Rows deleted by the last run, per table.";
    labelled(&mut text, "orgsweep_last_rows_deleted", help, "table", &tables);
    let help = "Transactions of the last run, by how they ended.";
    labelled(&mut text, "orgsweep_last_transactions", help, "outcome", &outcomes);
    text
}

fn gauge(text: &mut String, name: &str, help: &str, value: f64) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
}

fn labelled(text: &mut String, name: &str, help: &str, label: &str, values: &BTreeMap<&str, u64>) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (key, value) in values {
        let key = key.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        let _ = writeln!(text, "{name}{{{label}=\"{key}\"}} {value}");
    }
}

fn kept(previous: &str) -> Option<f64> {
    let lines = previous.lines().filter_map(|line| line.strip_prefix(LAST_SUCCESS));
    lines.filter_map(|rest| rest.trim().parse().ok()).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Actor;
    use crate::exit::{Exit, Problem};
    use crate::receipt::Part;
    use expect_test::expect;
    use std::time::Duration;
    use time::OffsetDateTime;

    fn receipt() -> Receipt {
        let actor = Actor { user: "cron".into(), host: "vm".into() };
        let mut receipt = Receipt::begin("clean", actor, String::new(), String::new());
        receipt.started_at = OffsetDateTime::UNIX_EPOCH;
        let tables = BTreeMap::from([("deals".into(), 2), ("odd \"name\"\\".into(), 1)]);
        receipt.parts.push(Part {
            organizations: Vec::new(),
            outcome: "cleaned".into(),
            error: None,
            seconds: 0.5,
            deleted: 3,
            unlinked: 4,
            tables,
            left_behind: BTreeMap::new(),
            stay: false,
            linked: BTreeMap::new(),
            kept: BTreeMap::new(),
            unassociated: BTreeMap::new(),
            stranded: BTreeMap::new(),
            unproven: Vec::new(),
            archive: None,
            digests: BTreeMap::new(),
            archive_digest: None,
            restored: None,
        });
        receipt
    }

    #[test]
    fn a_run_becomes_gauges() {
        let mut receipt = receipt();
        receipt.started_at = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(500);
        receipt.end(Ok(Exit::Done), Duration::from_millis(1500));
        expect![[r#"
            # HELP orgsweep_last_run_timestamp_seconds When the last run ended.
            # TYPE orgsweep_last_run_timestamp_seconds gauge
            orgsweep_last_run_timestamp_seconds 2
            # HELP orgsweep_last_success_timestamp_seconds When the last run that ended with exit 0 ended.
            # TYPE orgsweep_last_success_timestamp_seconds gauge
            orgsweep_last_success_timestamp_seconds 2
            # HELP orgsweep_last_exit_code The exit code of the last run.
            # TYPE orgsweep_last_exit_code gauge
            orgsweep_last_exit_code 0
            # HELP orgsweep_last_duration_seconds How long the last run took.
            # TYPE orgsweep_last_duration_seconds gauge
            orgsweep_last_duration_seconds 1.5
            # HELP orgsweep_last_rows_unlinked Rows unlinked by the last run.
            # TYPE orgsweep_last_rows_unlinked gauge
            orgsweep_last_rows_unlinked 4
            # HELP orgsweep_last_rows_deleted Rows deleted by the last run, per table.
            # TYPE orgsweep_last_rows_deleted gauge
            orgsweep_last_rows_deleted{table="deals"} 2
            orgsweep_last_rows_deleted{table="odd \"name\"\\"} 1
            # HELP orgsweep_last_transactions Transactions of the last run, by how they ended.
            # TYPE orgsweep_last_transactions gauge
            orgsweep_last_transactions{outcome="cleaned"} 1
        "#]]
        .assert_eq(&render(&receipt, ""));
    }

    #[test]
    fn a_failure_keeps_the_time_of_the_last_success() {
        let before = render(&receipt(), "");
        let mut failed = receipt();
        failed.end(Err(&Problem::new(Exit::Busy, "locked")), Duration::ZERO);
        let after = render(&failed, &before);
        assert!(after.contains("orgsweep_last_exit_code 5\n"), "{after}");
        assert!(after.contains("orgsweep_last_success_timestamp_seconds 0\n"), "{after}");
        assert_eq!(kept("no metrics"), None);
    }
}
