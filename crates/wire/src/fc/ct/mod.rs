//! Common transport and the services over it: directory (name server), and what of the management service a port uses. FC-GS-8
//! clause 4 (CT), 5 (directory), 6 (management). TYPE 20h; R_CTL 02h requests, 03h responses.

mod command;
mod directory;
mod header;
mod objects;
mod response;

pub use command::{Command, Explanation, FcsCommand, FdmiCommand, ReasonCode};
pub use directory::Request;
pub use header::{CT_HEADER_BYTES, CtHeader, CtReply, Reject, Service, reply, subtype};
pub use objects::{Fc4Features, Fc4Types, FeatureBits, PortSpeeds, PortType, Speeds, SymbolicName};
pub use response::{
    GaNxt, NameEntries, NameEntry, PortEntries, PortEntry, PortIdObject, write_name_entries, write_port_entries,
};
