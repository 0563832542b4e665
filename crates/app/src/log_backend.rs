//! Where log lines go: standard error, with SPDK's levels and flags.
//!
//! SPDK has five levels, the `log` crate too, but they do not mean the same. `error!` is ERROR, `warn!` WARNING, `info!`
//! NOTICE (what an operator should see), `debug!` INFO, `trace!` DEBUG. Lines up to the print level (NOTICE unless set)
//! are written, and all lines of a flag that is on; a flag is the first part of a log target (`nvmf_tcp::pdu` -> `nvmf_tcp`).
//! Nothing on the I/O path logs; what a peer can trigger goes through [`reactor::RateLimit`].

use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// SPDK's names of the levels, most severe first.
pub const LEVELS: [&str; 5] = ["ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"];

/// Flags that exist without a subsystem of that name.
const FLAGS: [&str; 9] = ["app", "bdev", "conf", "dma", "exchange", "nvmf", "nvmf_tcp", "reactor", "rpc"];

/// The one back end of the process.
pub struct Backend {
    print: AtomicU8,
    keep: AtomicU8,
    timestamps: AtomicBool,
    any_flag: AtomicBool,
    flags: Mutex<BTreeMap<String, bool>>,
}

static BACKEND: Backend = Backend {
    print: AtomicU8::new(2),
    keep: AtomicU8::new(2),
    timestamps: AtomicBool::new(true),
    any_flag: AtomicBool::new(false),
    flags: Mutex::new(BTreeMap::new()),
};

/// The back end of this process.
pub fn backend() -> &'static Backend {
    &BACKEND
}

impl Backend {
    /// Makes it the receiver of all log lines, and knows the built-in flags. May be called again.
    pub fn install(&'static self) {
        FLAGS.iter().for_each(|flag| self.know(flag));
        // An error means that it is installed already (or that a test has its own).
        let _ = log::set_logger(self);
        self.tell_facade();
    }

    /// Makes `flag` known, off.
    pub fn know(&self, flag: &str) {
        self.flags().entry(flag.to_owned()).or_insert(false);
    }

    /// Switches a flag (`all`: every one) on or off; says whether it is known. Case does not matter.
    pub fn set_flag(&self, flag: &str, on: bool) -> bool {
        let mut flags = self.flags();
        let all = flag.eq_ignore_ascii_case("all");
        let mut known = all;
        for (name, value) in flags.iter_mut() {
            if all || name.eq_ignore_ascii_case(flag) {
                *value = on;
                known = true;
            }
        }
        self.any_flag.store(flags.values().any(|on| *on), Ordering::Relaxed);
        drop(flags);
        self.tell_facade();
        known
    }

    /// All flags and whether they are on.
    pub fn all_flags(&self) -> BTreeMap<String, bool> {
        self.flags().clone()
    }

    /// Sets the level up to which lines are written, by SPDK's name; says whether there is such a level.
    pub fn set_print_level(&self, name: &str) -> bool {
        let known = set(&self.print, name);
        self.tell_facade();
        known
    }

    /// SPDK's name of the level up to which lines are written.
    pub fn print_level(&self) -> &'static str {
        LEVELS[usize::from(self.print.load(Ordering::Relaxed))]
    }

    /// Sets SPDK's level for the system log. This target writes none, so the level is only kept.
    pub fn set_level(&self, name: &str) -> bool {
        set(&self.keep, name)
    }

    /// The level set by [`Backend::set_level`].
    pub fn level(&self) -> &'static str {
        LEVELS[usize::from(self.keep.load(Ordering::Relaxed))]
    }

    /// Writes the time before each line or not.
    pub fn set_timestamps(&self, on: bool) {
        self.timestamps.store(on, Ordering::Relaxed);
    }

    /// Lets the facade drop cheaply what nobody wants.
    fn tell_facade(&self) {
        let print = [LevelFilter::Error, LevelFilter::Warn, LevelFilter::Info, LevelFilter::Debug, LevelFilter::Trace];
        let any = self.any_flag.load(Ordering::Relaxed);
        log::set_max_level(if any {
            LevelFilter::Trace
        } else {
            print[usize::from(self.print.load(Ordering::Relaxed))]
        });
    }

    fn flag_is_on(&self, target: &str) -> bool {
        self.any_flag.load(Ordering::Relaxed) && self.flags().get(part(target)).copied().unwrap_or(false)
    }

    fn flags(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(level: &AtomicU8, name: &str) -> bool {
    let Some(n) = LEVELS.iter().position(|level| *level == name) else {
        return false;
    };
    level.store(n as u8, Ordering::Relaxed);
    true
}

fn rank(level: Level) -> u8 {
    level as u8 - 1
}

impl Log for Backend {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        rank(metadata.level()) <= self.print.load(Ordering::Relaxed) || self.flag_is_on(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let time = if self.timestamps.load(Ordering::Relaxed) { format!("[{}] ", stamp()) } else { String::new() };
        let level = LEVELS[usize::from(rank(record.level()))];
        // One write, so that lines of several threads do not mix. A closed standard error is nobody's problem.
        let line = format!("{time}{level} {}: {}\n", part(record.target()), record.args());
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

/// The part of the target that a log line is from: its flag.
fn part(target: &str) -> &str {
    target.split("::").next().unwrap_or(target)
}

/// The time now as `2026-01-31 23:59:59.123456` in UTC.
fn stamp() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}.{:06}", since.subsec_micros())
}

/// The Gregorian date so many days after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Count from 1 March of the year 0, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Backend {
        Backend {
            print: AtomicU8::new(2),
            keep: AtomicU8::new(2),
            timestamps: AtomicBool::new(true),
            any_flag: AtomicBool::new(false),
            flags: Mutex::new(BTreeMap::new()),
        }
    }

    fn wants(backend: &Backend, level: Level, target: &str) -> bool {
        backend.enabled(&Metadata::builder().level(level).target(target).build())
    }

    #[test]
    fn level_and_flags_decide() {
        let backend = fresh();
        backend.know("nvmf");
        assert!(wants(&backend, Level::Info, "nvmf") && !wants(&backend, Level::Debug, "nvmf"));
        assert!(backend.set_flag("NVMF", true) && !backend.set_flag("nonsense", true));
        assert!(wants(&backend, Level::Trace, "nvmf::admin") && !wants(&backend, Level::Debug, "bdev"));
        assert!(backend.set_flag("all", false) && !wants(&backend, Level::Trace, "nvmf"));
        assert!(
            backend.set_print_level("ERROR")
                && !wants(&backend, Level::Warn, "x")
                && wants(&backend, Level::Error, "x")
        );
        assert!(!backend.set_print_level("error") && backend.print_level() == "ERROR");
        assert!(backend.set_level("DEBUG") && backend.level() == "DEBUG");
    }

    #[test]
    fn dates() {
        assert_eq!(
            (date(0), date(59), date(11_016), date(20_777)),
            ((1970, 1, 1), (1970, 3, 1), (2000, 2, 29), (2026, 11, 20))
        );
    }
}
