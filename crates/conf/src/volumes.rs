//! Which block devices the file creates, so that every use of one can be checked.

use std::collections::{BTreeMap, HashMap};

use crate::diag::{Log, show};
use crate::suggest::did_you_mean;

/// Names of block devices.
#[derive(Debug, Default)]
pub(crate) struct Volumes {
    /// Name -> line.
    here: BTreeMap<String, usize>,
    /// Names that sections without meaning here would create -> line.
    absent: HashMap<String, usize>,
    /// Such names without the number that follows (`Nvme0n` of `Nvme0n1`) -> line.
    absent_numbered: HashMap<String, usize>,
}

/// Of so many names the nearest is looked for when one is misspelt.
const SUGGESTED_FROM: usize = 1024;

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
        self.absent.insert(name.to_owned(), line);
    }

    /// Adds names made of `stem` and a number that would exist if their module were here.
    pub(crate) fn add_absent_numbered(&mut self, stem: &str, line: usize) {
        self.absent_numbered.insert(stem.to_owned(), line);
    }

    /// May `name` be used by `user` on `line`? If not, says why: an error for a name nobody
    /// creates, a warning for one whose module is not there yet.
    pub(crate) fn check(&self, user: &str, name: &str, line: usize, log: &mut Log) -> bool {
        if self.here.contains_key(name) {
            return true;
        }
        match self.absent_line(name) {
            Some(absent) => {
                let message = format!(
                    "{user}: block device {} (line {}) is of a kind that is not there yet; this line is ignored",
                    show(name),
                    absent
                );
                log.warn(line, message, "use a volume from [Malloc], [Null], [AIO] or [URING]");
            }
            None => {
                let shown = if log.is_full() { 0 } else { SUGGESTED_FROM };
                let names = self.here.keys().take(shown).map(String::as_str);
                let remedy = did_you_mean(name, names, "create it in [Malloc], [Null], [AIO] or [URING]");
                log.error(line, format!("{user}: there is no block device {}", show(name)), remedy);
            }
        }
        false
    }

    /// Is `name` one that would exist if its module were here?
    pub(crate) fn is_absent(&self, name: &str) -> bool {
        !self.here.contains_key(name) && self.absent_line(name).is_some()
    }

    fn absent_line(&self, name: &str) -> Option<usize> {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered = if stem.len() < name.len() { self.absent_numbered.get(stem) } else { None };
        self.absent.get(name).or(numbered).copied()
    }
}
