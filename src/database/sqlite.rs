//! SQLite's own handle of a connection, which Diesel hides: for what no SQL says.

use diesel::connection::Connection;
use diesel::result::ConnectionResult;
use diesel::sqlite::SqliteConnection;
use libsqlite3_sys as ffi;
use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::ptr::NonNull;
use std::sync::Once;

thread_local! {
    /// The connection that this thread has opened last.
    static OPENED: Cell<Option<NonNull<ffi::sqlite3>>> = const { Cell::new(None) };
}

/// The handle of a connection: kept beside it, and used while it is open.
pub(super) struct Handle(NonNull<ffi::sqlite3>);

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
    Ok((connection, OPENED.take().map(Handle)))
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
                self.0.as_ptr(),
                ffi::SQLITE_DBCONFIG_ENABLE_TRIGGER,
                c_int::from(fire),
                &raw mut fires,
            )
        };
        code == ffi::SQLITE_OK && fires == c_int::from(fire)
    }
}
