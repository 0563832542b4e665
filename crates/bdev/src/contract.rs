//! The contract test suite (being written).
