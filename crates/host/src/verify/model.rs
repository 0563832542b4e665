//! What must be on each block, and the file that remembers it.
//!
//! The file is a page of JSON (who, what, which run), then 8 bytes a block: the acknowledged generation and the newest one that was sent, both
//! little-endian. An entry is written before its command is sent and after its acknowledgement came, so the file is right whatever is killed.

use super::pattern::Stamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of the first page.
const PAGE: u64 = 4096;

/// What a state file is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `qfc verify`, and the version of the file.
    pub format: String,
    /// The run, in every block.
    pub run: u64,
    /// Where the namespace was.
    pub target: String,
    /// Namespace.
    pub nsid: u32,
    /// Its UUID, if it has one.
    pub uuid: Option<String>,
    /// Bytes of a block.
    pub block: u32,
    /// Blocks of a command.
    pub io_blocks: u32,
    /// Blocks that are used, from the first one of the namespace.
    pub blocks: u64,
}

/// The format that is written now.
pub const FORMAT: &str = "qfc verify 1";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Entry {
    /// Must be there, or something newer.
    acked: u32,
    /// The newest that may be there.
    newest: u32,
    /// The newest that was read on this connection: what was seen does not go away as long as the target lives.
    seen: u32,
}

/// The generations of all blocks.
#[derive(Debug)]
pub struct Model {
    /// What it is about.
    pub subject: Subject,
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Model {
    /// Nothing written yet. With a file, that must not be there yet.
    ///
    /// # Errors
    /// The file is there, or cannot be written.
    pub fn new(subject: Subject, path: Option<&Path>) -> Result<Model, String> {
        let entries = vec![Entry::default(); subject.blocks as usize];
        let mut model = Model { subject, entries, file: None };
        let Some(path) = path else { return Ok(model) };
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(|e| match e.kind() {
                std::io::ErrorKind::AlreadyExists => format!(
                    "{} is there already: go on with it (--resume), check it (--check), or remove it",
                    path.display()
                ),
                _ => format!("cannot create {}: {e}", path.display()),
            })?;
        let mut page = serde_json::to_vec(&model.subject).expect("plain data");
        page.resize(PAGE as usize, b' ');
        let blank = file.write_all_at(&page, 0).and_then(|()| file.set_len(PAGE + model.subject.blocks * 8));
        blank.map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        model.file = Some(file);
        Ok(model)
    }

    /// What a file remembers; `resume` goes on writing to it.
    ///
    /// # Errors
    /// It is no state file, or cannot be read.
    pub fn load(path: &Path, resume: bool) -> Result<Model, String> {
        let fail = |e: String| format!("{}: {e}", path.display());
        let file = OpenOptions::new().read(true).write(resume).open(path).map_err(|e| fail(e.to_string()))?;
        let mut page = vec![0; PAGE as usize];
        file.read_exact_at(&mut page, 0).map_err(|_| fail("is no state file of qfc verify".to_owned()))?;
        let mut json = serde_json::Deserializer::from_slice(&page).into_iter::<Subject>();
        let subject = match json.next() {
            Some(Ok(subject)) if subject.format == FORMAT => subject,
            Some(Ok(other)) => return Err(fail(format!("has format {:?}, this qfc knows {FORMAT:?}", other.format))),
            _ => return Err(fail("is no state file of qfc verify".to_owned())),
        };
        let length = file.metadata().map_err(|e| fail(e.to_string()))?.len();
        if subject.blocks.checked_mul(8).and_then(|n| n.checked_add(PAGE)) != Some(length) || subject.io_blocks == 0 {
            return Err(fail(format!("is {length} bytes long, which is wrong for {} blocks", subject.blocks)));
        }
        let mut bytes = vec![0; (length - PAGE) as usize];
        file.read_exact_at(&mut bytes, PAGE).map_err(|e| fail(e.to_string()))?;
        let number = |b: &[u8]| u32::from_le_bytes(b.try_into().expect("4 bytes"));
        let entries =
            bytes.chunks_exact(8).map(|b| Entry { acked: number(&b[..4]), newest: number(&b[4..]), seen: 0 }).collect();
        Ok(Model { subject, entries, file: resume.then_some(file) })
    }

    /// Whether any write of this block was ever sent.
    pub fn written(&self, lba: u64) -> bool {
        self.entries[lba as usize].newest > 0
    }

    /// Blocks of which a write was sent.
    pub fn written_blocks(&self) -> u64 {
        self.entries.iter().filter(|e| e.newest > 0).count() as u64
    }

    /// Blocks whose newest write was not acknowledged.
    pub fn uncertain_blocks(&self) -> u64 {
        self.entries.iter().filter(|e| e.newest > e.acked).count() as u64
    }

    /// What a block carries.
    pub fn stamp(&self, lba: u64) -> Stamp {
        Stamp { run: self.subject.run, lba }
    }

    /// The generations that a read may find: oldest and newest.
    pub fn allowed(&self, lba: u64) -> (u32, u32) {
        let entry = &self.entries[lba as usize];
        (entry.acked.max(entry.seen), entry.newest)
    }

    /// A write of these blocks is about to be sent; the generation of each is its newest one from now on.
    ///
    /// # Errors
    /// The file cannot be written: the write must not be sent then.
    pub fn begin(&mut self, lba: u64, count: u32) -> Result<(), String> {
        for entry in &mut self.entries[lba as usize..(lba + u64::from(count)) as usize] {
            entry.newest += 1;
        }
        self.save(lba, count)
    }

    /// The newest write of these blocks is acknowledged.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn acknowledge(&mut self, lba: u64, count: u32) -> Result<(), String> {
        for entry in &mut self.entries[lba as usize..(lba + u64::from(count)) as usize] {
            entry.acked = entry.newest;
        }
        self.save(lba, count)
    }

    /// A read found this generation.
    pub fn saw(&mut self, lba: u64, generation: u32) {
        let entry = &mut self.entries[lba as usize];
        entry.seen = entry.seen.max(generation);
    }

    /// The connection was lost; the target may be another one now, which has what is acknowledged, and perhaps more.
    pub fn forget_seen(&mut self) {
        for entry in &mut self.entries {
            entry.seen = 0;
        }
    }

    fn save(&self, lba: u64, count: u32) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        let part = &self.entries[lba as usize..(lba + u64::from(count)) as usize];
        let mut bytes = [0; 8 * 64];
        for (i, entries) in part.chunks(64).enumerate() {
            for (place, entry) in bytes.chunks_exact_mut(8).zip(entries) {
                place[..4].copy_from_slice(&entry.acked.to_le_bytes());
                place[4..].copy_from_slice(&entry.newest.to_le_bytes());
            }
            let at = PAGE + (lba + i as u64 * 64) * 8;
            file.write_all_at(&bytes[..entries.len() * 8], at)
                .map_err(|e| format!("cannot write the state file: {e}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            format: FORMAT.to_owned(),
            run: 5,
            target: "tcp://x".to_owned(),
            nsid: 1,
            uuid: None,
            block: 512,
            io_blocks: 2,
            blocks: 200,
        }
    }

    #[test]
    fn generations_follow_the_commands() {
        let mut m = Model::new(subject(), None).unwrap();
        assert!(!m.written(4));
        m.begin(4, 2).unwrap();
        assert_eq!((m.allowed(4), m.allowed(5), m.allowed(6)), ((0, 1), (0, 1), (0, 0)));
        m.acknowledge(4, 2).unwrap();
        m.begin(4, 2).unwrap();
        assert_eq!((m.allowed(4), m.uncertain_blocks()), ((1, 2), 2));
        m.saw(4, 2);
        assert_eq!(m.allowed(4), (2, 2));
        m.forget_seen();
        assert_eq!(m.allowed(4), (1, 2));
        assert_eq!(m.written_blocks(), 2);
    }

    #[test]
    fn the_file_remembers_without_being_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let mut m = Model::new(subject(), Some(&path)).unwrap();
        m.begin(0, 150).unwrap();
        m.acknowledge(0, 150).unwrap();
        m.begin(149, 1).unwrap();
        let again = Model::load(&path, false).unwrap();
        assert_eq!(
            (again.allowed(0), again.allowed(148), again.allowed(149), again.allowed(150)),
            ((1, 1), (1, 1), (1, 2), (0, 0))
        );
        assert_eq!(again.subject, subject());
        assert!(Model::new(subject(), Some(&path)).unwrap_err().contains("--resume"));
        std::fs::write(&path, b"hello").unwrap();
        assert!(Model::load(&path, false).unwrap_err().contains("no state file"));
    }
}
