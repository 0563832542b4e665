//! Under which identities a namespace is known: what is not configured is derived from its volume, the same for all protocols.

pub use bdev::identity::eui64;
