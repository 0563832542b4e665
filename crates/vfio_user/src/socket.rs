//! The socket's place in the file system.
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A listening socket that takes its name away when it ends.
#[derive(Debug)]
pub(crate) struct Listener {
    pub socket: UnixListener,
    path: PathBuf,
    /// Device and inode of the name, so that another server's name is left alone.
    identity: Option<(u64, u64)>,
}

impl Listener {
    /// Takes the path; what a server that is gone left there is replaced.
    pub(crate) fn bind(path: &Path) -> io::Result<Listener> {
        remove_stale(path)?;
        let socket = UnixListener::bind(path)?;
        socket.set_nonblocking(true)?;
        Ok(Listener { socket, path: path.into(), identity: identity(path) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A client that waits, if there is one.
    pub(crate) fn accept(&self) -> io::Result<Option<UnixStream>> {
        match self.socket.accept() {
            Ok((stream, _)) => Ok(Some(stream)),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(e) if e.kind() == ErrorKind::ConnectionAborted => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(about) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let refuse = |why: &str| Err(io::Error::new(ErrorKind::AddrInUse, why));
    if !about.file_type().is_socket() {
        return refuse("there is something that is not a socket; remove it, or name another path");
    }
    match UnixStream::connect(path) {
        Ok(_) => refuse("another process serves it; stop that, or name another path"),
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}
