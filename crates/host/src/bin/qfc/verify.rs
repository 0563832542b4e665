//! `qfc verify`.
use crate::Failure;
use crate::cli::VerifyArgs;
pub fn run(_: &VerifyArgs) -> Result<(), Failure> {
    Err(Failure::Text("to come".into()))
}
