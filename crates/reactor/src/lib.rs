//! One core's loop as a value. (Being written; the shape of the API is final.)
#![forbid(unsafe_code)]

/// Talks to a reactor from any thread.
#[derive(Clone)]
pub struct Handle;
