//! What is compiled in to speak to the engines, and where it finds the authorities that the system trusts.

use libsqlite3_sys::SQLITE_VERSION;
use openssl::version::version as openssl_version;

/// `SQLite 3.53.2, PostgreSQL (libpq 18), MariaDB and MySQL (mysql_async)`
pub fn engines() -> String {
    // SAFETY: it reads a constant.
    let libpq = unsafe { pq_sys::PQlibVersion() } / 10_000;
    let sqlite = SQLITE_VERSION.to_string_lossy();
    format!("SQLite {sqlite}, PostgreSQL (libpq {libpq}), MariaDB and MySQL (mysql_async)")
}

/// `OpenSSL 3.6.3 9 Jun 2026`
pub fn tls() -> &'static str {
    openssl_version()
}

/// Tells the OpenSSL that is compiled in where this system keeps its authorities: every distribution has another place.
/// `SSL_CERT_FILE` is another file, beside the directories that the system has. For `sslrootcert=system` of libpq; the
/// driver of MariaDB looks for itself, in the same places.
///
/// # Safety
/// No other thread may run yet: it sets variables of the environment.
pub unsafe fn trust_what_the_system_trusts() {
    // SAFETY: the caller's.
    unsafe { openssl_probe::try_init_openssl_env_vars() };
}
