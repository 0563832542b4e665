//! The listening socket and the lock that says whose it is.
//!
//! A socket file outlives its process, so its being there says nothing. A lock on `<path>.lock` dies with the process: who
//! holds it may remove the socket file. SPDK does the same, so the two also respect each other.

use anyhow::{Context, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// How often a lock file that vanishes under our hands is tried again.
const TRIES: usize = 10;

/// A listening socket that is ours until it is dropped.
pub(crate) struct Listener {
    pub(crate) socket: UnixListener,
    path: PathBuf,
    lock_path: PathBuf,
    _lock: Flock<File>,
}

impl Listener {
    /// Takes the lock, removes what a dead process left, and listens with mode 0600.
    pub(crate) fn bind(path: &Path) -> anyhow::Result<Self> {
        let mut lock_path = path.to_owned().into_os_string();
        lock_path.push(".lock");
        let lock_path = PathBuf::from(lock_path);
        let lock = take_lock(path, &lock_path)?;
        remove_stale(path)?;
        let socket = listen_at(path).with_context(|| format!("RPC socket {}", path.display()))?;
        Ok(Self { socket, path: path.to_owned(), lock_path, _lock: lock })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // While the lock is held; whoever opened the lock file meanwhile sees that it is no longer the one at this path.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

fn take_lock(path: &Path, lock_path: &Path) -> anyhow::Result<Flock<File>> {
    for _ in 0..TRIES {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
        let file = options.open(lock_path).with_context(|| format!("RPC lock file {}", lock_path.display()))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) if is_at(&lock, lock_path) => return note_owner(lock),
            Ok(_) => {}
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let owner = owner(&mut file);
                bail!("RPC socket {} is in use by {owner}: stop it or choose another socket with -r", path.display());
            }
            Err((_, errno)) => bail!("RPC lock file {}: {errno}", lock_path.display()),
        }
    }
    bail!("RPC lock file {}: somebody keeps removing it", lock_path.display())
}

/// Whether the file at `path` is this one, and not a later one of the same name.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |m: std::fs::Metadata| (m.dev(), m.ino());
    matches!((file.metadata(), std::fs::symlink_metadata(path)), (Ok(a), Ok(b)) if identity(a.clone()) == identity(b.clone()))
}

fn note_owner(mut lock: Flock<File>) -> anyhow::Result<Flock<File>> {
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| writeln!(lock, "{}", std::process::id()))
        .context("RPC lock file")?;
    Ok(lock)
}

fn owner(file: &mut File) -> String {
    let mut text = String::new();
    let pid = file.take(32).read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

fn remove_stale(path: &Path) -> anyhow::Result<()> {
    let Ok(there) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    ensure!(
        there.file_type().is_socket(),
        "RPC socket {}: there is a file of that name that is no socket",
        path.display()
    );
    std::fs::remove_file(path).with_context(|| format!("RPC socket {}: cannot replace it", path.display()))
}

fn listen_at(path: &Path) -> anyhow::Result<UnixListener> {
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    let address = UnixAddr::new(path).context("the path is too long for a socket")?;
    bind(socket.as_raw_fd(), &address)?;
    // Nobody can connect before listen(), so nobody gets in while the mode is still what the umask made of it.
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listen(&socket, Backlog::new(64)?)?;
    Ok(UnixListener::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_refused_with_its_pid() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists() && UnixStream::connect(&path).is_err());
        let live = Listener::bind(&path).unwrap();
        assert!(UnixStream::connect(&path).is_ok());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let refusal = Listener::bind(&path).err().unwrap().to_string();
        assert!(refusal.contains(&format!("in use by process {}", std::process::id())), "{refusal}");
        assert!(UnixStream::connect(&path).is_ok(), "the live one was not touched");
        drop(live);
        assert!(!path.exists() && !dir.path().join("x.sock.lock").exists());
    }

    #[test]
    fn what_is_no_socket_and_what_is_no_place_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        std::fs::write(&path, "data").unwrap();
        assert!(Listener::bind(&path).err().unwrap().to_string().contains("no socket"));
        assert_eq!(std::fs::read(&path).unwrap(), b"data");
        assert!(Listener::bind(&dir.path().join("not/there")).is_err());
        let long = dir.path().join("x".repeat(120));
        assert!(format!("{:#}", Listener::bind(&long).err().unwrap()).contains("too long"));
    }

    #[test]
    fn a_lock_file_that_is_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        std::fs::write(&precious, "data").unwrap();
        std::os::unix::fs::symlink(&precious, dir.path().join("x.sock.lock")).unwrap();
        assert!(Listener::bind(&dir.path().join("x.sock")).is_err());
        assert_eq!(std::fs::read(&precious).unwrap(), b"data");
    }
}
