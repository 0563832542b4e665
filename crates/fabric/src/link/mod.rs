//! Links between processes.
