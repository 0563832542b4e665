//! Where tables are kept: a file for each volume, in a directory, replaced whole.
//!
//! A new table is written to a file beside the old one and made durable; then it takes the old one's name, and the directory is
//! made durable. Whatever happens in between, one of both is there, whole.
//!
//! Limits: when the last step fails (the directory cannot be made durable), which of both a power loss leaves is not known; the
//! change is refused then, and the next one that succeeds settles it.

use super::record;
use super::table::Table;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The largest file that is looked at: a full table has less.
const MOST_BYTES: u64 = 4 << 20;

/// A directory that tables are kept in.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    directory: PathBuf,
}

/// What is kept cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The file, why, and what to do.
    pub text: String,
}

/// What was just done while a table is written; for tests, that stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Created,
    HalfWritten,
    Written,
    Synced,
    Renamed,
    DirectorySynced,
}

impl Store {
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The file of a volume.
    pub fn file(&self, volume: Uuid) -> PathBuf {
        self.directory.join(format!("{volume}.reservations"))
    }

    /// Keeps a table of a volume, or nothing any more. When it returns, that is on the medium.
    pub fn keep(&self, volume: Uuid, table: Option<&Table>) -> io::Result<()> {
        self.keep_in_steps(volume, table, &mut |_| Ok(()))
    }

    /// The same; `after` may stop it after each step, as a crash would.
    pub fn keep_in_steps(
        &self,
        volume: Uuid,
        table: Option<&Table>,
        after: &mut dyn FnMut(Step) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(table) = table else { return self.forget(volume) };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let (path, bytes) = (self.file(volume), record::write(volume, table));
        let fresh = path.with_extension("reservations.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        after(Step::Created)?;
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        after(Step::HalfWritten)?;
        file.write_all(rest)?;
        after(Step::Written)?;
        file.sync_all()?;
        after(Step::Synced)?;
        std::fs::rename(&fresh, &path)?;
        after(Step::Renamed)?;
        File::open(&self.directory)?.sync_all()?;
        after(Step::DirectorySynced)
    }

    fn forget(&self, volume: Uuid) -> io::Result<()> {
        match std::fs::remove_file(self.file(volume)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => File::open(&self.directory)?.sync_all(),
        }
    }

    /// What is kept of a volume, if anything is.
    pub fn load(&self, volume: Uuid) -> Result<Option<Table>, Broken> {
        let path = self.file(volume);
        let bytes = match std::fs::metadata(&path).map(|found| found.len()) {
            Ok(len) if len > MOST_BYTES => return Err(broken(&path, "it is far too long")),
            Ok(_) => std::fs::read(&path),
            Err(error) => Err(error),
        };
        match bytes {
            Ok(bytes) => record::read(volume, &bytes).map(Some).map_err(|why| broken(&path, &why)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken(&path, &error.to_string())),
        }
    }
}

fn broken(path: &Path, why: &str) -> Broken {
    let path = path.display();
    let text = format!(
        "{path}: {why}. It says which hosts have reserved the volume, so the volume stays not ready. Put back a good copy, or \
         remove the file to start without reservations once no host relies on them; then unmap the volume and map it again, or \
         restart"
    );
    Broken { text }
}
