//! Bounds of what is read, so that no file can take more memory or time than a real one needs.

/// Size of a file in bytes. Real files have a few KiB.
pub const FILE_BYTES: usize = 1024 * 1024;
/// Length of one line in bytes, continuation lines joined.
pub const LINE_BYTES: usize = 8 * 1024;
/// Number of sections in a file: 1024 subsystems, and as many target nodes with their groups.
pub const SECTIONS: usize = 4096;
/// Number of keys in a file.
pub const ITEMS: usize = 64 * 1024;
/// Number of diagnostics kept.
pub const DIAGNOSTICS: usize = 1000;
/// `[Malloc] NumberOfLuns`; as many namespaces as one subsystem can hold.
pub const MALLOC_LUNS: u64 = 16384;
/// `[SubsystemN] MaxNamespaces`, the original's cap.
pub const NAMESPACES: u64 = 16384;
/// LUNs of a target node: the range of flat addressing (the original's LUN numbers are 0..=63).
pub const LUNS: u32 = 16384;
