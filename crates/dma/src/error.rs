//! Why memory could not be had.

/// Why memory could not be had. Its text is made for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system has too little of it.
    #[error("not enough memory: {} needed, {} available in {} pages. {remedy}", size(*needed), size(*found), size(*page_size))]
    TooLittle {
        /// Bytes that this step needed.
        needed: usize,
        /// Bytes that were there.
        found: usize,
        /// Bytes of a page of the kind asked for.
        page_size: usize,
        /// What the operator can do, with the very command.
        remedy: String,
    },
    /// The directory named for huge pages is no hugetlbfs mount.
    #[error(
        "{dir} is not a hugetlbfs mount: mount one (`mount -t hugetlbfs none {dir}`), leave the directory out, or start with --no-huge"
    )]
    NotHuge {
        /// The directory.
        dir: String,
    },
    /// A device that must reach all memory cannot reach more.
    #[error("no more memory for data, because a device cannot reach it: {reason}")]
    Unreachable {
        /// Why, and what would mend it.
        reason: String,
    },
    /// The kernel refused a step.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the kernel said.
        source: std::io::Error,
    },
}

/// A size as people write it: the largest binary unit that divides it.
fn size(bytes: usize) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fitting = units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    fitting.map_or(format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit))
}
