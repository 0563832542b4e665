//! A polled user-space driver for QLogic QLE26xx (ISP2031) and QLE27xx (ISP2261, ISP2271) adapters in target mode.
#![forbid(unsafe_code)]

mod chip;
mod error;
pub mod assumptions;
pub mod intake;
pub mod lane;
pub mod ring;

pub use chip::Fault;
pub use error::Error;
