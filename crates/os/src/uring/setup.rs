//! Making a ring in the best way that the kernel allows, and saying why it does not.
use io_uring::IoUring;
use std::io;

/// Makes a ring in the best way that the kernel knows. True: it is to be enabled by the thread that submits.
pub(super) fn build(entries: u32) -> io::Result<(IoUring, bool)> {
    let entries = entries.next_power_of_two() * 2;
    let best = IoUring::builder()
        .setup_single_issuer()
        .setup_coop_taskrun()
        .setup_taskrun_flag()
        .setup_r_disabled()
        .build(entries);
    let unknown = |e: &io::Error| e.raw_os_error() == Some(libc::EINVAL);
    match best {
        Err(e) if unknown(&e) => {}
        other => return other.map(|ring| (ring, true)).map_err(explain),
    }
    let cooperative = IoUring::builder().setup_coop_taskrun().setup_taskrun_flag().build(entries);
    match cooperative {
        Err(e) if unknown(&e) => IoUring::new(entries).map(|ring| (ring, false)).map_err(explain),
        other => other.map(|ring| (ring, false)).map_err(explain),
    }
}

/// Says what a refusal means.
fn explain(e: io::Error) -> io::Error {
    let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").unwrap_or_default();
    let why = match e.raw_os_error() {
        Some(libc::EPERM) => format!(
            "io_uring is forbidden here (kernel.io_uring_disabled is {}; a container's seccomp profile may forbid it too)",
            if setting.is_empty() { "not known" } else { setting.trim() }
        ),
        Some(libc::ENOSYS) => "this kernel or container has no io_uring".into(),
        Some(libc::ENOMEM) => "too little memory for an io_uring (see RLIMIT_MEMLOCK)".into(),
        _ => return e,
    };
    io::Error::new(e.kind(), format!("{why}: {e}"))
}
