//! Log pages. NVMe Base 2.0c 5.16.1 (2.1 where it adds fields).

mod discovery;
mod effects;
mod error;
mod features;
mod smart;

pub use crate::identify::NsList as ChangedNamespaces;
pub use discovery::{
    AdrFam, DiscoveryEntry, DiscoveryHeader, SecType, Subtype, TrType, Treq, eflags, exact_text, tsas_tcp,
};
pub use effects::{Effect, Effects, SupportedLogs};
pub use error::ErrorEntry;
pub use features::FeatureEffects;
pub use smart::{FirmwareSlots, Smart, critical};
