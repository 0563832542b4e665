//! Which core a thread runs on.
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::io;

/// Keeps the calling thread on `core`.
///
/// # Errors
/// When there is no such core, or the process may not use it.
pub fn pin_to_core(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// The cores that this process may use, ascending: those that its first thread may run on. To be asked before that one is pinned.
///
/// # Errors
/// None that is known.
pub fn online_cores() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::this())?;
    Ok((0..CpuSet::count()).filter(|&core| set.is_set(core).unwrap_or(false)).collect())
}
