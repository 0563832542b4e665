//! Which block devices the file creates, so that every use of one can be checked.

use std::collections::BTreeMap;

use crate::diag::{Log, show};
use crate::suggest::did_you_mean;

/// Names of block devices.
#[derive(Debug, Default)]
pub(crate) struct Volumes {
    /// Name -> line.
    here: BTreeMap<String, usize>,
    /// Names, or beginnings of names, that sections without meaning here would create.
    absent: Vec<Absent>,
}

#[derive(Debug)]
struct Absent {
    name: String,
    /// `name` and a number follows: `Nvme0n` + `1`.
    numbered: bool,
    line: usize,
}

impl Volumes {
    /// Adds a name that a call creates. False (and an error) if it exists.
    pub(crate) fn add(&mut self, name: &str, line: usize, log: &mut Log) -> bool {
        if let Some(before) = self.here.get(name) {
            let message = format!("block device {} exists already, from line {before}", show(name));
            log.error(line, message, "give it another name");
            return false;
        }
        self.here.insert(name.to_owned(), line);
        true
    }

    /// Adds a name that would exist if its module were here.
    pub(crate) fn add_absent(&mut self, name: &str, line: usize) {
        self.absent.push(Absent { name: name.to_owned(), numbered: false, line });
    }

    /// Adds names made of `stem` and a number that would exist if their module were here.
    pub(crate) fn add_absent_numbered(&mut self, stem: &str, line: usize) {
        self.absent.push(Absent { name: stem.to_owned(), numbered: true, line });
    }

    /// May `name` be used by `user` on `line`? If not, says why: an error for a name nobody
    /// creates, a warning for one whose module is not there yet.
    pub(crate) fn check(&self, user: &str, name: &str, line: usize, log: &mut Log) -> bool {
        if self.here.contains_key(name) {
            return true;
        }
        match self.absent.iter().find(|a| a.matches(name)) {
            Some(absent) => {
                let message = format!(
                    "{user}: block device {} (line {}) is of a kind that is not there yet; this line is ignored",
                    show(name),
                    absent.line
                );
                log.warn(line, message, "use a volume from [Malloc], [Null], [AIO] or [URING]");
            }
            None => {
                let names = self.here.keys().map(String::as_str);
                let remedy = did_you_mean(name, names, "create it in [Malloc], [Null], [AIO] or [URING]");
                log.error(line, format!("{user}: there is no block device {}", show(name)), remedy);
            }
        }
        false
    }

    /// Is `name` one that would exist if its module were here?
    pub(crate) fn is_absent(&self, name: &str) -> bool {
        !self.here.contains_key(name) && self.absent.iter().any(|a| a.matches(name))
    }
}

impl Absent {
    fn matches(&self, name: &str) -> bool {
        match name.strip_prefix(self.name.as_str()) {
            Some("") => !self.numbered,
            Some(rest) => self.numbered && rest.bytes().all(|b| b.is_ascii_digit()),
            None => false,
        }
    }
}
