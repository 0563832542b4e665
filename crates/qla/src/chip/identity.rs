//! Who the adapter is: what its flash says, checked.

use fc::Names;
use wire::fc::Wwn;
use wire::isp::flash::{FltRegion, HostOptions, ImageStatus, Nvram, Region, regions, vpd_field, vpd_identifier};
use wire::isp::icb::Options1;

/// What drivers take for the firmware's place when there is no layout table.
const DEFAULT_FIRMWARE: u32 = 0x8_0000;
/// Names that adapters without NVRAM have, by drivers' custom: all of them the same.
const DEFAULT_PORT_NAME: u64 = 0x2100_00e0_8b1c_5586;
const DEFAULT_NODE_NAME: u64 = 0x2000_00e0_8b1c_5586;

/// What is where in the flash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout(Vec<FltRegion>);

impl Layout {
    /// By the table; with none, or a damaged one, nothing is known.
    pub fn new(table: &[u8]) -> Self {
        Self(regions(table).map(<[FltRegion]>::to_vec).unwrap_or_default())
    }

    pub fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// First byte and bytes of a region.
    pub fn find(&self, code: Region) -> Option<(u32, u32)> {
        let region = self.0.iter().find(|region| region.code.get() == code.0)?;
        Some((region.start.get(), region.size.get()))
    }

    /// Where firmware is: where the table says, or where it always was.
    pub fn firmware(&self) -> u32 {
        self.find(Region::FIRMWARE).map_or(DEFAULT_FIRMWARE, |(start, _)| start)
    }
}

/// Whether the second firmware image is the active one.
pub(crate) fn secondary_is_active(primary: Option<&[u8]>, secondary: Option<&[u8]>) -> bool {
    let status = |bytes: Option<&[u8]>| {
        let status = bytes.and_then(wire::parse::<ImageStatus>).copied()?;
        (status.is_valid() && status.is_active()).then_some(status.generation.get())
    };
    match (status(primary), status(secondary)) {
        (Some(first), Some(second)) => (second.wrapping_sub(first) as i16) > 0,
        (None, Some(_)) => true,
        _ => false,
    }
}

/// Who the adapter says that it is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Its port and node name.
    pub names: Names,
    /// Whether the names are its own: without NVRAM every adapter has the same.
    pub own_names: bool,
    /// Model, such as `QLE2742`.
    pub model: String,
    /// What VPD calls it.
    pub description: String,
    /// Serial number.
    pub serial: String,
    /// NVRAM switches the port off.
    pub disabled: bool,
}

impl Identity {
    /// From NVRAM and VPD of port `port` (0 is the first); either may be missing or damaged.
    pub fn new(nvram: Option<&[u8]>, vpd: Option<&[u8]>, port: u8, fallback_model: &str) -> Self {
        let nvram = nvram.and_then(wire::parse::<Nvram>).filter(|nvram| nvram.is_valid());
        let vpd = vpd.unwrap_or_default();
        let model = nvram.map(|nvram| text(&nvram.model)).filter(|model| !model.is_empty());
        Self {
            names: nvram.map_or_else(|| default_names(port), names_of),
            own_names: nvram.is_some(),
            model: model.unwrap_or_else(|| fallback_model.to_owned()),
            description: vpd_identifier(vpd).map(text).unwrap_or_default(),
            serial: vpd_field(vpd, *b"SN").map(text).unwrap_or_default(),
            disabled: nvram.is_some_and(|nvram| HostOptions(nvram.host.get()).disable_serdes()),
        }
    }
}

fn names_of(nvram: &Nvram) -> Names {
    let alternate = HostOptions(nvram.host.get()).alternate_names();
    let (port, node) = if alternate {
        (nvram.alternate_port_name, nvram.alternate_node_name)
    } else {
        (nvram.port_name, nvram.node_name)
    };
    let port = Wwn::from_bytes(port);
    // Without the option the node name is the port name with another first digit.
    let own_node = Options1(nvram.options_1.get()).node_name() || alternate;
    let node = if own_node { Wwn::from_bytes(node) } else { Wwn(port.0 & 0xf0ff_ffff_ffff_ffff) };
    Names { node, port }
}

fn default_names(port: u8) -> Names {
    let port = Wwn(DEFAULT_PORT_NAME | (u64::from(port) + 1) << 48);
    Names { node: Wwn(DEFAULT_NODE_NAME), port }
}

/// Text of a fixed length: up to the first zero, printable, without blanks around it.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let printable = bytes[..end].iter().map(|byte| if (0x20..0x7f).contains(byte) { *byte as char } else { '?' });
    printable.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::IntoBytes;
    use wire::isp::flash::FltHeader;
    use wire::{FromZeros, U16, U32};

    fn nvram() -> Nvram {
        let mut nvram = Nvram::defaults();
        nvram.port_name = [0x21, 0, 0, 0x24, 0xff, 1, 2, 3];
        nvram.node_name = [0x20, 0, 0, 0x24, 0xff, 1, 2, 3];
        nvram.model[..7].copy_from_slice(b"QLE2742");
        nvram
    }

    fn identity(mut nvram: Nvram) -> Identity {
        nvram.seal();
        Identity::new(Some(nvram.as_bytes()), None, 0, "QLE27xx")
    }

    #[test]
    fn names_and_model_of_nvram() {
        let found = identity(nvram());
        assert_eq!(found.names, Names { node: Wwn(0x2000_0024_ff01_0203), port: Wwn(0x2100_0024_ff01_0203) });
        assert_eq!((found.model.as_str(), found.own_names, found.disabled), ("QLE2742", true, false));
    }

    #[test]
    fn derived_and_alternate_names() {
        let mut derived = nvram();
        derived.options_1 = U32::new(0x2006);
        assert_eq!(identity(derived).names.node, Wwn(0x2000_0024_ff01_0203));
        let mut alternate = nvram();
        alternate.host = U32::new(HostOptions(0).with_alternate_names(true).0);
        alternate.alternate_port_name = [0x50, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(identity(alternate).names.port, Wwn(0x5001_0203_0405_0607));
        let mut disabled = nvram();
        disabled.host = U32::new(HostOptions(0).with_disable_serdes(true).0);
        assert!(identity(disabled).disabled);
    }

    #[test]
    fn without_nvram_names_are_those_of_all() {
        let found = Identity::new(Some(&[0xff; 512]), None, 1, "QLE27xx");
        assert_eq!(found.names.port, Wwn(0x2102_00e0_8b1c_5586));
        assert!(!found.own_names && found.model == "QLE27xx");
    }

    #[test]
    fn regions_by_the_table_and_without_it() {
        let list = [FltRegion::of(Region::FIRMWARE, 0x10_0000, 0x8_0000)];
        let mut head = FltHeader { version: U16::new(1), length: U16::new(16), ..FltHeader::new_zeroed() };
        let sum = wire::isp::flash::sum16(&[head.as_bytes(), list.as_bytes()].concat());
        head.checksum = U16::new(sum.wrapping_neg());
        let layout = Layout::new(&[head.as_bytes(), list.as_bytes()].concat());
        assert_eq!((layout.firmware(), layout.find(Region::NVRAM_0)), (0x10_0000, None));
        assert_eq!(Layout::new(&[0xff; 4088]).firmware(), DEFAULT_FIRMWARE);
    }

    #[test]
    fn the_newer_active_image_wins() {
        let status = |generation: u16, mask: u8| {
            let mut status = ImageStatus { mask, generation: U16::new(generation), ..ImageStatus::new_zeroed() };
            status.seal();
            status.as_bytes().to_vec()
        };
        assert!(secondary_is_active(Some(&status(1, 1)), Some(&status(2, 1))));
        assert!(!secondary_is_active(Some(&status(3, 1)), Some(&status(2, 1))));
        assert!(!secondary_is_active(Some(&status(1, 1)), Some(&status(2, 0))));
        assert!(secondary_is_active(None, Some(&status(2, 1))));
        assert!(!secondary_is_active(None, None));
    }
}
