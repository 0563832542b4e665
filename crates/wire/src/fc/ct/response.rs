//! Answers of the name server. FC-GS-8 5.2.5: GA_NXT, and the lists.
//!
//! The other answers are an object alone: a name ([`crate::fc::Wwn`], 8 bytes) for GPN_ID, GNN_ID and GFPN_ID; a
//! [`PortIdObject`] for GID_PN; [`super::Fc4Types`] for GFT_ID; [`super::Fc4Features`] for GFF_ID; a
//! [`super::SymbolicName`] (255 bytes of room) for GSPN_ID and GSNN_NN.

use super::{Fc4Types, PortType, SymbolicName};
use crate::fc::{PortId, Wwn};
use crate::parse_each;
use zerocopy::byteorder::big_endian::U32;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// Control byte of the last entry of a list.
const LAST: u8 = 0x80;

/// A port identifier object with its control byte: an entry of GID_FT, GID_PT, GID_NN and GID_FF; the answer to GID_PN.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PortIdObject {
    /// 80h on the last entry of a list.
    pub control: u8,
    /// The address.
    pub id: [u8; 3],
}
assert_size!(PortIdObject = 4);

/// An entry of GID_FT, GID_PT, GID_NN, GID_FF.
pub type PortEntry = PortIdObject;

impl PortIdObject {
    /// An address that stands alone (GID_PN).
    pub const fn new(id: PortId) -> Self {
        Self { control: 0, id: id.to_bytes() }
    }

    /// The address.
    pub const fn id(&self) -> PortId {
        PortId::from_bytes(self.id)
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 4] {
        transmute!(self)
    }
}

/// An entry of GPN_FT (port name) or GNN_FT (node name): 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NameEntry {
    /// 80h on the last entry.
    pub control: u8,
    /// The address.
    pub id: [u8; 3],
    /// Reserved.
    pub rsvd4: [u8; 4],
    /// The name.
    pub name: [u8; 8],
}
assert_size!(NameEntry = 16);

impl NameEntry {
    /// An entry; which one is the last is set when the list is written.
    pub const fn new(id: PortId, name: Wwn) -> Self {
        Self { control: 0, id: id.to_bytes(), rsvd4: [0; 4], name: name.to_bytes() }
    }

    /// The address.
    pub const fn id(&self) -> PortId {
        PortId::from_bytes(self.id)
    }

    /// The name.
    pub const fn name(&self) -> Wwn {
        Wwn::from_bytes(self.name)
    }
}

macro_rules! entries {
    ($(#[$m:meta])* $name:ident, $entry:ty, $write:ident) => {
        $(#[$m])*
        /// Ends behind the entry that is marked as the last one, or with the bytes.
        #[derive(Clone, Debug)]
        pub struct $name<'a>(core::slice::Iter<'a, $entry>);

        impl<'a> $name<'a> {
            /// Over what follows the preamble of an accept.
            pub fn new(body: &'a [u8]) -> Self {
                Self(parse_each::<$entry>(body).iter())
            }
        }

        impl<'a> Iterator for $name<'a> {
            type Item = &'a $entry;

            fn next(&mut self) -> Option<&'a $entry> {
                let entry = self.0.next()?;
                if entry.control & LAST != 0 {
                    self.0 = [].iter();
                }
                Some(entry)
            }
        }

        /// Writes as many entries as fit into `out`, the last of the list marked as such, and answers with the bytes
        /// written and the words (of 4 bytes) that did not fit.
        pub fn $write(out: &mut [u8], entries: &[$entry]) -> (usize, usize) {
            let size = size_of::<$entry>();
            let mut written = 0;
            for (i, (entry, out)) in entries.iter().zip(out.chunks_exact_mut(size)).enumerate() {
                let control = if i + 1 == entries.len() { LAST } else { 0 };
                out.copy_from_slice((<$entry>::clone(entry)).marked(control).as_bytes());
                written += size;
            }
            (written, (entries.len() * size - written) / 4)
        }

        impl $entry {
            const fn marked(mut self, control: u8) -> Self {
                self.control = control;
                self
            }
        }
    };
}

entries! {
    /// Entries of a GID_FT, GID_PT, GID_NN or GID_FF answer.
    PortEntries, PortIdObject, write_port_entries
}
entries! {
    /// Entries of a GPN_FT or GNN_FT answer.
    NameEntries, NameEntry, write_name_entries
}

/// Answer to GA_NXT: everything about one port; 620 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct GaNxt {
    /// Port type.
    pub port_type: PortType,
    /// Address.
    pub id: [u8; 3],
    /// Port name.
    pub port_name: [u8; 8],
    /// Length byte and symbolic port name.
    pub symbolic_port_name: [u8; 256],
    /// Node name.
    pub node_name: [u8; 8],
    /// Length byte and symbolic node name.
    pub symbolic_node_name: [u8; 256],
    /// Initial process associator.
    pub process_associator: [u8; 8],
    /// IP address (node).
    pub ip_node: [u8; 16],
    /// Classes of service: bit n for class n.
    pub classes: U32,
    /// FC-4 types.
    pub types: Fc4Types,
    /// IP address (port).
    pub ip_port: [u8; 16],
    /// Name of the F_Port.
    pub fabric_port_name: [u8; 8],
    /// Reserved.
    pub rsvd616: u8,
    /// Hard address.
    pub hard_address: [u8; 3],
}
assert_size!(GaNxt = 620);
assert_offset!(GaNxt: port_name = 4, symbolic_port_name = 12, node_name = 268, symbolic_node_name = 276, process_associator = 532);
assert_offset!(GaNxt: ip_node = 540, classes = 556, types = 560, ip_port = 592, fabric_port_name = 608, hard_address = 617);

impl GaNxt {
    /// A port with class 3; types and symbolic names are set in the fields and by [`Self::set_symbolic_names`].
    pub fn new(port_type: PortType, id: PortId, port_name: Wwn, node_name: Wwn) -> Self {
        Self {
            port_type,
            id: id.to_bytes(),
            port_name: port_name.to_bytes(),
            node_name: node_name.to_bytes(),
            classes: U32::new(1 << 3),
            ..Self::new_zeroed()
        }
    }

    /// Sets both symbolic names.
    pub fn set_symbolic_names(&mut self, port: SymbolicName<'_>, node: SymbolicName<'_>) {
        self.symbolic_port_name = [0; 256];
        self.symbolic_node_name = [0; 256];
        port.write(&mut self.symbolic_port_name);
        node.write(&mut self.symbolic_node_name);
    }

    /// Address.
    pub const fn id(&self) -> PortId {
        PortId::from_bytes(self.id)
    }

    /// Port name.
    pub const fn port_name(&self) -> Wwn {
        Wwn::from_bytes(self.port_name)
    }

    /// Node name.
    pub const fn node_name(&self) -> Wwn {
        Wwn::from_bytes(self.node_name)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::parse;
    use std::vec::Vec;

    #[test]
    fn port_lists() {
        let entries = [PortEntry::new(PortId(0x010200)), PortEntry::new(PortId(0x010300))];
        let mut out = [0xee; 12];
        assert_eq!(write_port_entries(&mut out, &entries), (8, 0));
        assert_eq!(&out[..8], &[0, 1, 2, 0, 0x80, 1, 3, 0]);
        let ids: Vec<_> = PortEntries::new(&out).map(PortEntry::id).collect();
        assert_eq!(ids, [PortId(0x010200), PortId(0x010300)], "what is behind the last entry does not count");
        assert_eq!(write_port_entries(&mut out[..7], &entries), (4, 1));
        assert_eq!(&out[..4], &[0, 1, 2, 0], "not marked as last");
        assert_eq!(PortEntries::new(&out[..3]).count(), 0);
        assert_eq!(PortEntry::new(PortId(0x010200)).to_bytes(), [0, 1, 2, 0]);
    }

    #[test]
    fn name_lists() {
        let entries = [NameEntry::new(PortId(0x010200), Wwn(0x2100_0024_ff77_99ab)), NameEntry::new(PortId(2), Wwn(3))];
        let mut out = [0; 40];
        assert_eq!(write_name_entries(&mut out, &entries), (32, 0));
        assert_eq!(&out[..16], &[0, 1, 2, 0, 0, 0, 0, 0, 0x21, 0, 0, 0x24, 0xff, 0x77, 0x99, 0xab]);
        assert_eq!(out[16], 0x80);
        let names: Vec<_> = NameEntries::new(&out).map(|entry| (entry.id(), entry.name())).collect();
        assert_eq!(names, [(PortId(0x010200), Wwn(0x2100_0024_ff77_99ab)), (PortId(2), Wwn(3))]);
        assert_eq!(write_name_entries(&mut [], &entries), (0, 8));
    }

    #[test]
    fn all_next() {
        let mut port = GaNxt::new(PortType::N_PORT, PortId(0x010203), Wwn(1), Wwn(2));
        port.set_symbolic_names(SymbolicName::new(b"port"), SymbolicName::new(b"node"));
        let bytes = port.as_bytes();
        assert_eq!(&bytes[..17], b"\x01\x01\x02\x03\0\0\0\0\0\0\0\x01\x04port");
        assert_eq!(&bytes[268..281], b"\0\0\0\0\0\0\0\x02\x04node");
        assert_eq!(&bytes[556..560], &[0, 0, 0, 8]);
        let back: &GaNxt = parse(bytes).unwrap();
        assert_eq!((back.id(), back.port_name(), back.node_name()), (PortId(0x010203), Wwn(1), Wwn(2)));
    }
}
