//! Virtual adapters: models of a QLE27xx, served to guests over vfio-user, each with a cable to a switch of this process.

mod device;
mod hosted;
mod identity;
mod memory;
mod methods;
mod params;
mod poller;
mod table;

pub(crate) use methods::methods;
pub(crate) use params::Create;
pub(crate) use table::Table;
