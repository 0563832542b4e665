//! Identify data structures of a namespace.

use crate::NamespaceView;
use wire::identify::{DescriptorWriter, LbaFormat, Namespace, NamespaceIndependent, NamespaceNvm, ns_bits};
use wire::nvme::Csi;
use wire::{FromZeros, IntoBytes, U16, U64};

/// CNS 00h (NVM 1.0c figure 97).
pub(crate) fn namespace(view: &NamespaceView) -> Vec<u8> {
    let (info, can) = (&view.info, view.info.features);
    let mut id = Namespace::new_zeroed();
    (id.nsze, id.ncap, id.nuse) = (U64::new(info.blocks), U64::new(info.blocks), U64::new(info.blocks));
    id.lbaf[0] = LbaFormat::new(info.block_size.trailing_zeros() as u8);
    id.nmic = ns_bits::NMIC_SHARED;
    id.nvmcap = (u128::from(info.blocks) * u128::from(info.block_size)).to_le_bytes();
    id.nsattr = protection(view);
    (id.nguid, id.eui64) = (view.nguid, view.eui64);
    if can.unmap {
        id.nsfeat |= ns_bits::NSFEAT_THIN;
    }
    if can.unmap && can.unmap_zeroes {
        id.dlfeat = ns_bits::DLFEAT_ZEROES;
        if can.write_zeroes {
            id.dlfeat |= ns_bits::DLFEAT_WZ_DEAC;
        }
    }
    let preferred = (info.physical_block_size / info.block_size).min(65_536);
    if preferred > 1 {
        id.nsfeat |= ns_bits::NSFEAT_OPTPERF;
        let preferred_z = U16::new((preferred - 1) as u16);
        (id.npwg, id.npwa, id.npdg, id.npda) = (preferred_z, preferred_z, preferred_z, preferred_z);
    }
    id.as_bytes().to_vec()
}

/// CNS 08h (Base 2.0c figure 280).
pub(crate) fn independent(view: &NamespaceView) -> Vec<u8> {
    let mut id = NamespaceIndependent::new_zeroed();
    id.nmic = ns_bits::NMIC_SHARED;
    id.nsattr = protection(view);
    id.nstat = ns_bits::NSTAT_READY;
    if !view.info.features.volatile_cache {
        id.nsfeat = ns_bits::INDEPENDENT_VWCNP;
    }
    id.as_bytes().to_vec()
}

/// CNS 05h of the NVM command set: no protection information, so no more than zeroes.
pub(crate) fn nvm_part(_: &NamespaceView) -> Vec<u8> {
    NamespaceNvm::new_zeroed().as_bytes().to_vec()
}

/// CNS 03h: every identifier that the namespace has.
pub(crate) fn descriptors(view: &NamespaceView) -> Vec<u8> {
    let mut list = DescriptorWriter::default();
    if view.eui64 != [0; 8] {
        list = list.eui64(&view.eui64);
    }
    if view.nguid != [0; 16] {
        list = list.nguid(&view.nguid);
    }
    if !view.uuid.is_nil() {
        list = list.uuid(view.uuid.as_bytes());
    }
    list.csi(Csi::NVM).finish().to_vec()
}

fn protection(view: &NamespaceView) -> u8 {
    if view.info.features.write { 0 } else { ns_bits::NSATTR_WRITE_PROTECTED }
}
