//! What a host needs to know of a namespace.

use super::Controller;
use crate::{Error, Result};
use wire::identify::{Nidt, descriptors};
use wire::nvme::{Cns, Csi};

/// A namespace in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Identifier.
    pub nsid: u32,
    /// Size in logical blocks.
    pub blocks: u64,
    /// Bytes of a logical block.
    pub block: u32,
    /// UUID, if it has one.
    pub uuid: Option<uuid::Uuid>,
    /// NGUID, if it has one.
    pub nguid: Option<[u8; 16]>,
    /// EUI-64, if it has one.
    pub eui64: Option<[u8; 8]>,
}

impl Namespace {
    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.blocks.saturating_mul(u64::from(self.block))
    }
}

impl Controller {
    /// Identify Namespace and its descriptors.
    ///
    /// # Errors
    /// No such namespace, one with metadata or an odd block size, no answer.
    pub fn namespace(&mut self, nsid: u32) -> Result<Namespace> {
        let id = self.identify_namespace(nsid)?;
        let format = id.format();
        if id.nsze.get() == 0 {
            return Err(Error::Controller(format!(
                "namespace {nsid} is not there: `qfc identify {} --namespaces` lists those that are",
                self.address
            )));
        }
        let block = format.block_bytes().filter(|_| format.ms.get() == 0);
        let block = block.ok_or_else(|| {
            Error::Controller(format!(
                "namespace {nsid} has LBADS {} and {} bytes of metadata, which qfc does not do",
                format.lbads,
                format.ms.get()
            ))
        })?;
        let mut namespace = Namespace { nsid, blocks: id.nsze.get(), block, uuid: None, nguid: None, eui64: None };
        let bytes = self.identify_bytes(Cns::NAMESPACE_DESCRIPTORS, nsid, Csi::NVM)?;
        for (kind, value) in descriptors(&bytes[..]) {
            match kind {
                Nidt::UUID => namespace.uuid = uuid::Uuid::from_slice(value).ok(),
                Nidt::NGUID => namespace.nguid = value.try_into().ok(),
                Nidt::EUI64 => namespace.eui64 = value.try_into().ok(),
                _ => {}
            }
        }
        if namespace.nguid.is_some_and(|n| n != id.nguid) || namespace.eui64.is_some_and(|e| e != id.eui64) {
            return Err(Error::Controller(format!(
                "namespace {nsid}: its descriptors and Identify Namespace differ in NGUID or EUI-64"
            )));
        }
        Ok(namespace)
    }
}
