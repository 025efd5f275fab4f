//! SQLite's own handle of a connection, which Diesel hides: for what no SQL says.

use diesel::connection::Connection;
use diesel::result::ConnectionResult;
use diesel::sqlite::SqliteConnection;
use libsqlite3_sys as ffi;
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Once;
use std::time::{Duration, Instant};

thread_local! {
    /// The connection that this thread has opened last.
    static OPENED: Cell<Option<NonNull<ffi::sqlite3>>> = const { Cell::new(None) };
}

/// The handle of a connection: kept beside it, and used while it is open.
pub(super) struct Handle {
    connection: NonNull<ffi::sqlite3>,
    /// When what it runs is to be stopped: SQLite has its address as long as the handler is registered.
    stop: Option<Box<Instant>>,
}

// SAFETY: the bundled SQLite is compiled to be used by any thread (SQLITE_THREADSAFE=1), and Diesel's connection,
// beside which it is kept, is sent between threads, too.
unsafe impl Send for Handle {}

/// Opens a database. SQLite tells each new connection to the extensions that were registered
/// (<https://sqlite.org/c3ref/auto_extension.html>): ours only looks at the handle.
pub(super) fn establish(url: &str) -> ConnectionResult<(SqliteConnection, Option<Handle>)> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the function has the type that SQLite calls, and stays.
        unsafe { ffi::sqlite3_auto_extension(Some(remember)) };
    });
    OPENED.set(None);
    let connection = SqliteConnection::establish(url)?;
    Ok((connection, OPENED.take().map(|connection| Handle { connection, stop: None })))
}

unsafe extern "C" fn remember(
    connection: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    OPENED.set(NonNull::new(connection));
    ffi::SQLITE_OK
}

impl Handle {
    /// Lets the database's triggers fire, or not; the actions of foreign keys are none
    /// (<https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfigenabletrigger>). Tells whether
    /// SQLite does so.
    pub(super) fn fire_triggers(&mut self, fire: bool) -> bool {
        let mut fires: c_int = -1;
        // SAFETY: the connection is open, and nobody else uses it: whoever has this handle has both.
        let code = unsafe {
            ffi::sqlite3_db_config(
                self.connection.as_ptr(),
                ffi::SQLITE_DBCONFIG_ENABLE_TRIGGER,
                c_int::from(fire),
                &raw mut fires,
            )
        };
        code == ffi::SQLITE_OK && fires == c_int::from(fire)
    }

    /// Stops what runs so long from now ("interrupted"), or never.
    pub(super) fn stop_after(&mut self, limit: Option<Duration>) {
        /// In steps of SQLite's virtual machine: some ten microseconds.
        const OFTEN: c_int = 1_000;
        let stop = limit.map(|limit| Box::new(Instant::now() + limit));
        let at: *const Instant = stop.as_deref().map_or(ptr::null(), ptr::from_ref);
        let handler = stop.is_some().then_some(is_late as unsafe extern "C" fn(_) -> _);
        // SAFETY: the connection is open, and the instant stays where it is until another handler, or none, is registered.
        unsafe {
            ffi::sqlite3_progress_handler(
                self.connection.as_ptr(),
                OFTEN,
                handler,
                at.cast_mut().cast(),
            );
        }
        self.stop = stop;
    }
}

/// SQLite stops what it runs where this is not 0.
unsafe extern "C" fn is_late(stop: *mut c_void) -> c_int {
    // SAFETY: it is what `stop_after` has registered.
    let stop = unsafe { &*stop.cast::<Instant>() };
    c_int::from(*stop <= Instant::now())
}
