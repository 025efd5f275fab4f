//! `--max-lag`: waiting for replicas between batches.

use crate::database::{Database, Replicas, Replication};
use crate::execute::Failure;
use crate::exit::{Exit, Problem};
use crate::interrupt;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far behind the slowest replica is: the time since the log was first seen as far as it has not
/// come yet.
pub struct Lag {
    most: Duration,
    seen: VecDeque<(Instant, u64)>,
    /// What a replica had not replayed when the run began, nobody knows since when: until it has, it is too far
    /// behind.
    before: Option<u64>,
}

impl Lag {
    /// # Errors
    /// Nothing here tells how far behind replicas are.
    pub fn begin(database: &mut Database, most: Duration, ui: &mut Ui) -> Result<Lag> {
        let untold = |exit, why: &str, hint: &str| Problem::new(exit, why).hint(hint);
        let before = match database.replicas()? {
            Replicas::Untold => {
                let why = "--max-lag: only PostgreSQL tells orgsweep how far behind replicas are";
                return Err(
                    untold(Exit::Usage, why, "--pause DURATION waits after each batch").into()
                );
            }
            Replicas::Hidden => {
                let why = "--max-lag: this role may not see how far behind replicas are; nothing was deleted";
                return Err(untold(
                    Exit::Refused,
                    why,
                    "GRANT pg_monitor TO it, or --pause DURATION",
                )
                .into());
            }
            Replicas::None => {
                ui.warn("no replica is connected: --max-lag has none to wait for");
                None
            }
            Replicas::Seen(now) => Some(now.written).filter(|written| *written > now.replayed),
        };
        Ok(Lag { most, seen: VecDeque::new(), before })
    }

    /// Waits until no replica is further behind than was asked for.
    ///
    /// # Errors
    /// A signal or the deadline.
    pub fn wait(&mut self, database: &mut Database, ui: &mut Ui) -> Result<()> {
        const LOOK: Duration = Duration::from_millis(250);
        while let Replicas::Seen(now) = database.replicas()? {
            let behind = match self.at(Instant::now(), now) {
                Some(lag) if lag <= self.most => break,
                Some(lag) => format!("{:.1} s behind", lag.as_secs_f64()),
                None => "behind since before this run".to_owned(),
            };
            ui.progress(format!("a replica is {behind}: waiting"));
            interrupt::sleep(LOOK).map_err(Failure::from)?;
        }
        Ok(())
    }

    /// `None`: nobody knows how far.
    fn at(&mut self, time: Instant, now: Replication) -> Option<Duration> {
        self.seen.retain(|(_, written)| *written > now.replayed);
        if self.seen.back().is_none_or(|(_, written)| *written < now.written)
            && now.written > now.replayed
        {
            self.seen.push_back((time, now.written));
        }
        self.before = self.before.filter(|written| *written > now.replayed);
        match self.before {
            Some(_) => None,
            None => {
                let first = self.seen.front();
                Some(first.map_or(Duration::ZERO, |(first, _)| time.duration_since(*first)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lag in seconds at these seconds, written and replayed.
    fn lags(before: Option<u64>, looks: &[(u64, u64, u64)]) -> Vec<Option<u64>> {
        let mut lag = Lag { most: Duration::ZERO, seen: VecDeque::new(), before };
        let start = Instant::now();
        let mut at = |&(seconds, written, replayed): &(u64, u64, u64)| {
            let now = Replication { written, replayed };
            lag.at(start + Duration::from_secs(seconds), now).map(|lag| lag.as_secs())
        };
        looks.iter().map(&mut at).collect()
    }

    #[test]
    fn a_replica_is_as_far_behind_as_the_log_it_has_not_replayed_is_old() {
        let looks = [
            (0, 100, 100),
            (1, 200, 100),
            // It stands still, whatever is written.
            (3, 300, 100),
            (5, 300, 150),
            // What was written at second 1 has come, what was written at second 3 has not.
            (6, 300, 200),
            (7, 300, 300),
        ];
        assert_eq!(lags(None, &looks), [0, 0, 2, 4, 3, 0].map(Some));
    }

    #[test]
    fn what_was_behind_before_is_waited_for() {
        let looks = [(0, 100, 50), (1, 200, 99), (2, 200, 100), (3, 200, 200)];
        assert_eq!(lags(Some(100), &looks), [None, None, Some(1), Some(0)]);
    }
}
