//! What is in the flash of a new adapter: layout table, descriptor, VPD and NVRAM of each port, firmware.

use super::{Flash, SECTOR, boot, firmware};
use crate::isp::chip::identity::{Identity, Preference};
use fc::Names;
use wire::fc::Wwn;
use wire::isp::flash::{
    FDT_SIGNATURE, FLASH_BYTES, FLT_ADDRESS, FLT_VERSION, Fdt, Features, FltHeader, FltRegion, NVRAM_BYTES, Nvram,
    Region, VPD_BYTES, VPD_END, VPD_FIELDS, VPD_IDENTIFIER, sum16,
};
use wire::isp::regs::VENDOR;
use wire::{FromZeros, IntoBytes, U16, U32};

/// A flash part of 16 MiB: manufacturer and device.
pub const PART_ID: u32 = 0x0018_20c2;
const BOOT: u32 = 0;
const FIRMWARE: u32 = 0x8_0000;
const FIRMWARE_BYTES: u32 = 0x8_0000;
const FDT: u32 = 0x3f_0000;
/// VPD of port 0, its NVRAM, then those of the other ports.
const PORTS: u32 = 0x40_0000;
const PORT_BYTES: u32 = (VPD_BYTES + NVRAM_BYTES) as u32;
/// Ports that have their places in the flash.
const MAX_PORTS: u8 = 4;

/// Fills a new flash.
pub fn fill(flash: &mut Flash, identity: &Identity) {
    flash.put(FLT_ADDRESS, &layout());
    flash.put(BOOT, &boot::image(identity.board.device()));
    flash.put(FDT, descriptor().as_bytes());
    flash.put(FIRMWARE, &firmware::synthetic_firmware(identity.firmware));
    for port in 0..MAX_PORTS {
        let at = PORTS + u32::from(port) * PORT_BYTES;
        flash.put(at, &vpd(identity));
        flash.put(at + VPD_BYTES as u32, nvram(identity, port).as_bytes());
    }
}

/// The layout table.
fn layout() -> Vec<u8> {
    let mut list = vec![
        FltRegion::of(Region::FIRMWARE, FIRMWARE, FIRMWARE_BYTES),
        FltRegion::of(Region::BOOT, BOOT, FIRMWARE),
        FltRegion::of(Region::FDT, FDT, 512),
        FltRegion::of(Region::FLT, FLT_ADDRESS, 4096),
    ];
    for port in 0..MAX_PORTS {
        let at = PORTS + u32::from(port) * PORT_BYTES;
        list.extend(Region::vpd(port).map(|code| FltRegion::of(code, at, VPD_BYTES as u32)));
        list.extend(Region::nvram(port).map(|code| FltRegion::of(code, at + VPD_BYTES as u32, NVRAM_BYTES as u32)));
    }
    let length = U16::new(list.as_bytes().len() as u16);
    let mut head = FltHeader { version: U16::new(FLT_VERSION), length, ..FltHeader::new_zeroed() };
    let sum = sum16(head.as_bytes()).wrapping_add(sum16(list.as_bytes()));
    head.checksum = U16::new(sum.wrapping_neg());
    [head.as_bytes(), list.as_bytes()].concat()
}

fn descriptor() -> Fdt {
    let mut fdt = Fdt {
        signature: FDT_SIGNATURE,
        version: U16::new(1),
        length: U16::new(size_of::<Fdt>() as u16),
        model: padded("MX25L12845"),
        manufacturer: U16::new(PART_ID as u16 & 0xff),
        device: U16::new((PART_ID >> 8) as u16),
        erase_command: 0xd8,
        write_enable: 0x06,
        write_enable_bits: 0x02,
        write_status: 0x01,
        read_id: 0x9f,
        block_size: U32::new(SECTOR),
        flash_size: U32::new(FLASH_BYTES),
        ..Fdt::new_zeroed()
    };
    fdt.seal();
    fdt
}

/// Text with zeroes behind it.
fn padded(text: &str) -> [u8; 16] {
    std::array::from_fn(|n| text.as_bytes().get(n).copied().unwrap_or(0))
}

/// Settings of a port. The ports that this function is not have names made from its own, so that all differ.
fn nvram(identity: &Identity, port: u8) -> Nvram {
    let names = other(identity.names, identity.port, port);
    let mut nvram = Nvram {
        port_name: names.port.to_bytes(),
        node_name: names.node.to_bytes(),
        features: U16::new(Features(0).with_fcp_preferred(identity.preference == Preference::Fcp).0),
        model: padded(identity.board.name()),
        subsystem_vendor: U16::new(VENDOR),
        subsystem_device: U16::new(identity.board.subsystem()),
        ..Nvram::defaults()
    };
    nvram.seal();
    nvram
}

fn other(own: Names, own_port: u8, port: u8) -> Names {
    let step = u64::from(port ^ own_port);
    Names { node: Wwn(own.node.0 ^ step << 32), port: Wwn(own.port.0 ^ step << 32) }
}

/// VPD: identifier string and read-only fields.
fn vpd(identity: &Identity) -> Vec<u8> {
    let board = identity.board;
    let [major, minor, sub] = identity.firmware;
    let mut list = Vec::new();
    field(&mut list, *b"PN", board.name());
    field(&mut list, *b"EC", "A");
    field(&mut list, *b"SN", &identity.serial);
    field(&mut list, *b"MN", "1077");
    field(&mut list, *b"V0", &format!("FW:v{major}.{minor}.{sub:02}"));
    let mut vpd = resource(VPD_IDENTIFIER, board.description().as_bytes());
    vpd.extend(resource(VPD_FIELDS, &list));
    vpd.push(VPD_END);
    vpd.resize(VPD_BYTES, 0xff);
    vpd
}

/// A field of at most 64 bytes, so that all of them fit.
fn field(list: &mut Vec<u8>, keyword: [u8; 2], text: &str) {
    let text = &text.as_bytes()[..text.len().min(64)];
    list.extend(keyword);
    list.push(text.len() as u8);
    list.extend(text);
}

fn resource(tag: u8, data: &[u8]) -> Vec<u8> {
    let [low, high] = (data.len() as u16).to_le_bytes();
    [&[tag, low, high], data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::isp::flash::{regions, vpd_field};
    use wire::isp::regs::{FLASH_FLAG, FLASH_WINDOW};

    fn flash() -> (Flash, Identity) {
        let names = Names { node: Wwn(0x2000_0024_ff00_0001), port: Wwn(0x2100_0024_ff00_0001) };
        let identity = Identity { port: 1, ..Identity::new(names) };
        (Flash::new(&identity), identity)
    }

    /// As a driver reads: through the two registers.
    fn read(flash: &mut Flash, at: u32, bytes: usize) -> Vec<u8> {
        let word = |n: u32| {
            flash.set_address(FLASH_WINDOW + at / 4 + n, false);
            assert_ne!(flash.address() & FLASH_FLAG, 0, "the data is there");
            flash.data().to_le_bytes()
        };
        (0..bytes as u32 / 4).flat_map(word).collect()
    }

    #[test]
    fn a_driver_finds_its_settings() {
        let (mut flash, identity) = flash();
        let table = read(&mut flash, FLT_ADDRESS, 4088);
        let list = regions(&table).unwrap();
        let of = |code: Region| list.iter().find(|r| r.code.get() == code.0).unwrap();
        let nvram: Nvram = wire::read(&read(&mut flash, of(Region::NVRAM_1).start.get(), 512)).unwrap();
        assert!(nvram.is_valid());
        assert_eq!(nvram.port_name, identity.names.port.to_bytes());
        assert!(Features(nvram.features.get()).fcp_preferred());
        let neighbour: Nvram = wire::read(&read(&mut flash, of(Region::NVRAM_0).start.get(), 512)).unwrap();
        assert!(neighbour.is_valid() && neighbour.port_name != nvram.port_name);
        let vpd = read(&mut flash, of(Region::VPD_1).start.get(), 512);
        assert_eq!(vpd_field(&vpd, *b"SN"), Some(identity.serial.as_bytes()));
        let fdt: Fdt = wire::read(&read(&mut flash, of(Region::FDT).start.get(), 128)).unwrap();
        assert!(fdt.is_valid());
    }

    #[test]
    fn it_is_written_like_nor() {
        let (mut flash, _) = flash();
        let word = 0x60_0000 / 4;
        assert!(!flash.program(word, 0), "protected");
        assert!(!flash.erase(word, word));
        flash.set_writable(true);
        assert!(flash.program(word, 0xf0f0_ffff) && flash.program(word, 0x0fff_ffff));
        assert_eq!(flash.word(word), 0x00f0_ffff);
        assert!(flash.erase(word + 5, word + 5));
        assert_eq!(flash.word(word), u32::MAX);
        assert!(!flash.program(FLASH_BYTES / 4, 0) && !flash.erase(1, 0) && !flash.erase(0, u32::MAX));
    }

    #[test]
    fn registers_write_too() {
        let (mut flash, _) = flash();
        flash.set_data(0x1234_5678);
        flash.set_address((FLASH_WINDOW + 0x18_0000) | FLASH_FLAG, false);
        assert_eq!((flash.address() & FLASH_FLAG, flash.word(0x18_0000)), (0, u32::MAX), "not enabled");
        flash.set_address((FLASH_WINDOW + 0x18_0000) | FLASH_FLAG, true);
        assert_eq!(flash.word(0x18_0000), 0x1234_5678);
        flash.set_address(0x7ffd_009f, false);
        assert_eq!(flash.data(), PART_ID);
    }
}
