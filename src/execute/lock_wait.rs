//! Who keeps us waiting (not SQLite). Whoever holds a lock can only be asked for while we wait for it, so
//! a thread looks from a connection of its own, opened when a statement has taken half the time that it
//! may wait: a run that nobody holds up never opens it.

use super::Failure;
use crate::database::{self, Database, Fault, Target};
use crate::engine::Statement;
use crate::interrupt;
use crate::label::printable;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A look-out over the statements of one transaction; it ends when it is dropped.
#[derive(Default)]
pub struct LockWaitMonitor {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// When the statement that runs was sent.
    began: Option<Instant>,
    /// Who was seen in its way, the last time we looked.
    seen: Option<String>,
    ended: bool,
}

impl LockWaitMonitor {
    /// Watches over a session that waits for a lock as long as `patience`; `question` asks who is in its way.
    pub fn begin(target: &Target, question: String, patience: Duration) -> LockWaitMonitor {
        let watch = LockWaitMonitor::default();
        let (shared, target) = (watch.shared.clone(), target.clone());
        let question = Statement::from(question);
        std::thread::spawn(move || look(&shared, &target, &question, patience / 2));
        watch
    }

    /// A statement is being sent.
    pub fn sending(&self) {
        let mut state = lock(&self.shared.0);
        state.began = Some(Instant::now());
        state.seen = None;
        self.shared.1.notify_all();
    }

    /// Its answer has come.
    pub fn answered(&self) {
        lock(&self.shared.0).began = None;
    }
}

/// Sends a statement under the look-out; where a lock is not granted, the failure says who holds it.
pub fn over<T>(
    watch: &Option<LockWaitMonitor>,
    send: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(watch) = watch else {
        return send();
    };
    watch.sending();
    let answer = send();
    watch.answered();
    answer.map_err(|failure| match (failure, lock(&watch.shared.0).seen.clone()) {
        (Failure::Database(error), Some(holder)) if error.fault == Fault::Busy => {
            let message = format!("{}: {holder}", error.message);
            Failure::Database(database::Error { message, ..error })
        }
        (Failure::Interrupted, Some(holder)) => {
            interrupt::doing(format!("waiting for {holder}"));
            Failure::Interrupted
        }
        (failure, _) => failure,
    })
}

impl Drop for LockWaitMonitor {
    fn drop(&mut self) {
        lock(&self.shared.0).ended = true;
        self.shared.1.notify_all();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look(
    shared: &(Mutex<State>, Condvar),
    target: &Target,
    question: &Statement,
    patience: Duration,
) {
    let mut database = None;
    let mut state = lock(&shared.0);
    while !state.ended {
        let waited = state.began.map(|began| began.elapsed());
        if waited.is_none_or(|waited| waited < patience) {
            let left = waited.map_or(patience, |waited| patience.saturating_sub(waited));
            state = shared.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        let began = state.began;
        drop(state);
        let seen = ask(&mut database, target, question);
        state = lock(&shared.0);
        if seen.is_some() && state.began == began {
            state.seen = seen;
        }
        let again = (patience / 4).max(Duration::from_millis(100));
        state = shared.1.wait_timeout(state, again).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn ask(database: &mut Option<Database>, target: &Target, question: &Statement) -> Option<String> {
    if database.is_none() {
        *database = Database::connect(target, false).ok();
    }
    let rows = database.as_mut()?.in_snapshot(|database| database.query(question)).ok()?;
    let blockers: Vec<String> = rows.iter().map(|row| printable(row.text(0))).collect();
    (!blockers.is_empty()).then(|| blockers.join("; "))
}
