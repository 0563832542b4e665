//! The data pointer of a command: which descriptors a fabric takes, and how long the data is.

use crate::view::Trtype;
use wire::nvme::{PSDT_SGL, Sgl, Sqe, Status};

/// What a fabric allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointers {
    trtype: Trtype,
}

impl Pointers {
    pub const fn new(trtype: Trtype) -> Self {
        Self { trtype }
    }

    /// Bytes that the host has room for. Nothing of it may be in the capsule.
    #[inline]
    pub fn wanted_by_host(self, sqe: &Sqe) -> Result<u32, Status> {
        if sqe.psdt() != PSDT_SGL {
            return Err(Status::INVALID_FIELD);
        }
        self.remote(sqe.dptr.parse())
    }

    /// Bytes that the host sends: `inline` of them came in the capsule, of at most `limit`.
    #[inline]
    pub fn sent_by_host(self, sqe: &Sqe, inline: u32, limit: u32) -> Result<u32, Status> {
        if sqe.psdt() != PSDT_SGL {
            return Err(Status::INVALID_FIELD);
        }
        match sqe.dptr.parse() {
            // There is no data in a command IU (FC-NVMe-2).
            Sgl::InCapsule { .. } if self.trtype == Trtype::Fc => Err(Status::SGL_DESCRIPTOR_TYPE_INVALID),
            Sgl::InCapsule { offset, .. } if offset != 0 => Err(Status::SGL_OFFSET_INVALID),
            Sgl::InCapsule { length, .. } if length != inline || length > limit => Err(Status::DATA_SGL_LENGTH_INVALID),
            Sgl::InCapsule { length, .. } => Ok(length),
            // Data came although the command says that it would not.
            _ if inline != 0 => Err(Status::SGL_DESCRIPTOR_TYPE_INVALID),
            sgl => self.remote(sgl),
        }
    }

    #[inline]
    fn remote(self, sgl: Sgl) -> Result<u32, Status> {
        match (sgl, self.trtype) {
            (Sgl::Transport { length }, Trtype::Tcp | Trtype::Fc) => Ok(length),
            (Sgl::Keyed { length, .. }, Trtype::Rdma) => Ok(length),
            _ => Err(Status::SGL_DESCRIPTOR_TYPE_INVALID),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::nvme::SglDescriptor;

    fn with(dptr: SglDescriptor) -> Sqe {
        let mut sqe = Sqe::new(1, 1);
        sqe.dptr = dptr;
        sqe
    }

    #[test]
    fn what_tcp_takes() {
        let tcp = Pointers::new(Trtype::Tcp);
        let capsule = with(SglDescriptor::in_capsule(0, 512));
        assert_eq!(tcp.sent_by_host(&capsule, 512, 4096), Ok(512));
        assert_eq!(tcp.sent_by_host(&capsule, 511, 4096), Err(Status::DATA_SGL_LENGTH_INVALID));
        assert_eq!(tcp.sent_by_host(&capsule, 512, 511), Err(Status::DATA_SGL_LENGTH_INVALID));
        assert_eq!(tcp.wanted_by_host(&capsule), Err(Status::SGL_DESCRIPTOR_TYPE_INVALID));
        let shifted = with(SglDescriptor::in_capsule(8, 512));
        assert_eq!(tcp.sent_by_host(&shifted, 512, 4096), Err(Status::SGL_OFFSET_INVALID));
        let transport = with(SglDescriptor::transport(4096));
        assert_eq!((tcp.sent_by_host(&transport, 0, 0), tcp.wanted_by_host(&transport)), (Ok(4096), Ok(4096)));
        assert_eq!(tcp.sent_by_host(&transport, 1, 8), Err(Status::SGL_DESCRIPTOR_TYPE_INVALID));
        let keyed = with(SglDescriptor::keyed_block(0, 64, 1, false));
        assert_eq!(tcp.wanted_by_host(&keyed), Err(Status::SGL_DESCRIPTOR_TYPE_INVALID));
        assert_eq!(Pointers::new(Trtype::Rdma).wanted_by_host(&keyed), Ok(64));
    }

    #[test]
    fn what_fc_takes() {
        let fc = Pointers::new(Trtype::Fc);
        let transport = with(SglDescriptor::transport(4096));
        assert_eq!((fc.sent_by_host(&transport, 0, 0), fc.wanted_by_host(&transport)), (Ok(4096), Ok(4096)));
        for length in [0, 512] {
            let capsule = with(SglDescriptor::in_capsule(0, length));
            assert_eq!(fc.sent_by_host(&capsule, 0, 4096), Err(Status::SGL_DESCRIPTOR_TYPE_INVALID));
            assert_eq!(fc.wanted_by_host(&capsule), Err(Status::SGL_DESCRIPTOR_TYPE_INVALID));
        }
    }

    #[test]
    fn prps_are_refused() {
        let mut sqe = with(SglDescriptor::transport(4096));
        for flags in [0x00, 0x80, 0xc0] {
            sqe.flags = flags;
            assert_eq!(Pointers::new(Trtype::Tcp).wanted_by_host(&sqe), Err(Status::INVALID_FIELD));
        }
    }
}
