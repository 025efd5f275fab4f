//! A proxy between orgsweep and PostgreSQL or MariaDB: it shows every statement to the test before the server
//! sees it, and does with it what the test says.

use crate::support::{Backend, Invocation, TestDatabase};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What the servers call the sessions that come through a proxy: PostgreSQL as its application, MariaDB as a
/// user.
pub const SESSION: &str = "orgsweep_proxied";

/// A message that makes the server run a statement: Execute or (simple) Query; COM_STMT_EXECUTE or COM_QUERY.
pub struct Message {
    /// Counted from 1, over all connections.
    pub number: u32,
    pub sql: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Forward,
    /// Cut the connection; the server never sees the message.
    CutBefore,
    /// The server gets the message, but its answer is lost with the connection.
    CutAfter,
    /// The server gets the message, its answer never arrives, and the connection stays.
    Mute,
}

type Judge = Mutex<Box<dyn FnMut(&Message) -> Verdict + Send>>;

struct Shared {
    judge: Judge,
    number: Mutex<u32>,
    stop: AtomicBool,
}

pub struct Proxy {
    url: String,
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens on a free port. `judge` is asked in the order of the messages.
    pub fn start(
        db: &TestDatabase,
        judge: impl FnMut(&Message) -> Verdict + Send + 'static,
    ) -> Proxy {
        let (server, url) = addresses(db);
        let backend = db.backend;
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            judge: Mutex::new(Box::new(judge)),
            number: Mutex::new(0),
            stop: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.stop.load(Ordering::SeqCst) {
                    break;
                }
                let server = TcpStream::connect(&server).expect("the server");
                serve(client, server, backend, &accepting);
            }
        });
        Proxy { url: url.replace("{port}", &port.to_string()), port, shared }
    }

    /// The binary, aimed at the database through this proxy.
    pub fn command(&self, arguments: &[&str]) -> Invocation {
        Invocation::new(&[&["--database-url", &self.url], arguments].concat())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// The server's address, and the URL with a place for the proxy's port.
fn addresses(db: &TestDatabase) -> (String, String) {
    let (scheme, rest) = db.url().split_once("://").expect("a URL");
    let (authority, database) = rest.split_once('/').expect("a URL with a database");
    let (user, server) = authority.rsplit_once('@').expect("a URL with a user");
    let user = match db.backend {
        Backend::Mysql => {
            db.execute(&format!(
                "CREATE USER IF NOT EXISTS {SESSION}; GRANT ALL ON *.* TO {SESSION}"
            ));
            SESSION
        }
        _ => user,
    };
    let parameters = format!("?sslmode=disable&gssencmode=disable&application_name={SESSION}");
    let parameters = db.pick("", &parameters, "?ssl-mode=disabled");
    let url = format!("{scheme}://{user}@127.0.0.1:{{port}}/{database}{parameters}");
    (server.to_owned(), url)
}

fn serve(mut client: TcpStream, mut server: TcpStream, backend: Backend, shared: &Arc<Shared>) {
    let mute = Arc::new(AtomicBool::new(false));
    let (mut answers, mut to_client) = (copy(&server), copy(&client));
    let muted = Arc::clone(&mute);
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        // To the end, even when nobody listens any more: unread answers would reset the connection
        // under the server's hands.
        while let Ok(bytes @ 1..) = answers.read(&mut buffer) {
            if !muted.load(Ordering::SeqCst) {
                let _ = to_client.write_all(&buffer[..bytes]);
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let _ = match backend {
            Backend::Mysql => mysql_questions(&mut client, &mut server, &shared, &mute),
            _ => questions(&mut client, &mut server, &shared, &mute),
        };
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Write);
    });
}

fn copy(stream: &TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("a socket option");
    stream.try_clone().expect("a second handle")
}

/// Passes messages on until one end is gone or the judge cuts the connection.
fn questions(
    client: &mut TcpStream,
    server: &mut TcpStream,
    shared: &Shared,
    mute: &AtomicBool,
) -> io::Result<()> {
    server.write_all(&message(client, false)?)?;
    let mut prepared: HashMap<String, String> = HashMap::new();
    let mut current = String::new();
    loop {
        let bytes = message(client, true)?;
        let mut texts = bytes[5..].split(|byte| *byte == 0);
        let mut text = || String::from_utf8_lossy(texts.next().unwrap_or_default()).into_owned();
        match bytes[0] {
            b'Q' => current = text(),
            b'P' => {
                let name = text();
                current = text();
                prepared.insert(name, current.clone());
            }
            b'B' => {
                let _portal = text();
                current = prepared.get(&text()).cloned().unwrap_or_default();
            }
            _ => (),
        }
        let verdict = match bytes[0] {
            b'Q' | b'E' => shared.judge(&current),
            _ => Verdict::Forward,
        };
        if !pass_on(server, &bytes, verdict, mute)? {
            return Ok(());
        }
    }
}

/// The same in MySQL's protocol (<https://mariadb.com/kb/en/0-packet/>): a command is a packet with number 0.
fn mysql_questions(
    client: &mut TcpStream,
    server: &mut TcpStream,
    shared: &Shared,
    mute: &AtomicBool,
) -> io::Result<()> {
    const QUERY: u8 = 3;
    const PREPARE: u8 = 22;
    const EXECUTE: u8 = 23;
    // What is executed is what was prepared last: orgsweep keeps no statements.
    let mut current = String::new();
    loop {
        let mut bytes = vec![0; 4];
        client.read_exact(&mut bytes)?;
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) as usize;
        bytes.resize(4 + length, 0);
        client.read_exact(&mut bytes[4..])?;
        let command = bytes.get(4).copied().filter(|_| bytes[3] == 0);
        if let Some(QUERY | PREPARE) = command {
            current = String::from_utf8_lossy(&bytes[5..]).into_owned();
        }
        let verdict = match command {
            Some(QUERY | EXECUTE) => shared.judge(&current),
            _ => Verdict::Forward,
        };
        if !pass_on(server, &bytes, verdict, mute)? {
            return Ok(());
        }
    }
}

/// Whether the connection goes on.
fn pass_on(
    server: &mut TcpStream,
    bytes: &[u8],
    verdict: Verdict,
    mute: &AtomicBool,
) -> io::Result<bool> {
    if verdict == Verdict::CutBefore {
        return Ok(false);
    }
    mute.fetch_or(verdict != Verdict::Forward, Ordering::SeqCst);
    server.write_all(bytes)?;
    Ok(verdict != Verdict::CutAfter)
}

impl Shared {
    fn judge(&self, sql: &str) -> Verdict {
        let number = {
            let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
            *number += 1;
            *number
        };
        let message = Message { number, sql: sql.to_owned() };
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge(&message)
    }
}

/// One whole message; only the first of a connection has no letter before its length.
fn message(client: &mut TcpStream, lettered: bool) -> io::Result<Vec<u8>> {
    let start = usize::from(lettered);
    let mut bytes = vec![0; start + 4];
    client.read_exact(&mut bytes)?;
    let length: [u8; 4] = bytes[start..].try_into().expect("four bytes");
    bytes.resize(start + u32::from_be_bytes(length) as usize, 0);
    client.read_exact(&mut bytes[start + 4..])?;
    Ok(bytes)
}
