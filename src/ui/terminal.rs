//! The terminal of the person who may be there, wherever the streams go: a report in a file, errors in a log,
//! keys through a pipe.

use crate::interrupt;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, Timespec};
use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

pub struct Terminal {
    device: File,
}

/// What came of a question.
pub enum Answer {
    Line(String),
    /// The person ended the input, or the terminal is gone.
    None,
    /// Nothing in time.
    Late,
    /// A signal or the deadline.
    Interrupted,
}

impl Terminal {
    /// `None` where nobody is there: no terminal is this process's, or another job has it. A process in the
    /// background that reads from it would be stopped
    /// (<https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap11.html>).
    pub fn find() -> Option<Terminal> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).custom_flags(OFlags::NOCTTY.bits() as i32);
        let device = options.open("/dev/tty").ok()?;
        let foreground = rustix::termios::tcgetpgrp(&device).ok()?;
        (foreground == rustix::process::getpgrp()).then_some(Terminal { device })
    }

    pub fn print(&mut self, text: &str) {
        let _ = writeln!(self.device, "{}", text.trim_end());
    }

    /// Asks, and waits for one line. What was typed before the question answers nothing: who types ahead, or
    /// pastes several lines, has not seen what it is about.
    pub fn ask(&mut self, question: &str, patience: Duration) -> Answer {
        /// How soon a signal is noticed.
        const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        /// No answer is longer; a terminal's line has 4,095 bytes at most.
        const LONGEST: usize = 4096;
        if tcflush(&self.device, QueueSelector::IFlush).is_err() {
            return Answer::None;
        }
        let _ = write!(self.device, "{question}\n> ");
        let _ = self.device.flush();
        let until = Instant::now() + patience;
        let mut line = Vec::new();
        loop {
            if interrupt::requested() {
                self.print("");
                return Answer::Interrupted;
            }
            if Instant::now() >= until {
                self.print("");
                return Answer::Late;
            }
            let mut asked = [PollFd::new(&self.device, PollFlags::IN)];
            match poll(&mut asked, Some(&LOOK)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return Answer::None,
            }
            let mut some = [0; 256];
            match self.device.read(&mut some) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return Answer::None,
                Ok(read) => line.extend_from_slice(&some[..read]),
            }
            if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                return Answer::Line(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if line.len() > LONGEST {
                return Answer::None;
            }
        }
    }
}
