//! The whole product on one page: the list of subsystems.

fn main() {}
