//! How the process ends: all exit codes in one place.

use std::process::ExitCode;

/// Why the process ends, and with which code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: stopped in order, or `--check` found nothing wrong.
    Ok,
    /// 1: the configuration is wrong: a file that cannot be read or understood, a call that was refused.
    Config,
    /// 2: the command line is wrong.
    Usage,
    /// 3: not enough memory; the message says how much and the command that reserves it.
    Memory,
    /// 4: something the start needs is not to be had: a core, a port, the RPC socket.
    Start,
    /// 5: a second signal came while stopping; I/O in flight was not waited for.
    Forced,
    /// 6: a core died (a bug); the log says where.
    Died,
}

impl Exit {
    /// The number that a shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Config => 1,
            Self::Usage => 2,
            Self::Memory => 3,
            Self::Start => 4,
            Self::Forced => 5,
            Self::Died => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The lines of the manual about exit codes.
pub(crate) const MANUAL: &str = "\
Exit codes:
  0  stopped in order, or --check found nothing wrong
  1  the configuration is wrong (the message names file, line and method)
  2  the command line is wrong
  3  not enough memory (the message names the command that reserves it)
  4  a core, a port or the RPC socket is not to be had
  5  a second signal came while stopping
  6  a core died (a bug; please report the log)";
