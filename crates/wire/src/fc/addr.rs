//! Addresses (24 bits, given by the fabric) and names (64 bits, given by the maker). FC-FS-5 clauses 11.3 and 14.

/// An address identifier: 24 bits in host order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PortId(pub u32);

impl PortId {
    /// No address: what a port uses as S_ID before it has logged in with the fabric.
    pub const NONE: Self = Self(0);
    /// F_Port controller: FLOGI and FDISC go there.
    pub const FABRIC: Self = Self(0xff_fffe);
    /// Fabric controller: SCR goes there, RSCN comes from there.
    pub const FABRIC_CONTROLLER: Self = Self(0xff_fffd);
    /// Directory service (name server).
    pub const DIRECTORY: Self = Self(0xff_fffc);
    /// Management service.
    pub const MANAGEMENT: Self = Self(0xff_fffa);
    /// Broadcast.
    pub const BROADCAST: Self = Self(0xff_ffff);
    /// The addresses that the two ports of a point-to-point link use: the one with the greater port name assigns them.
    pub const POINT_TO_POINT: [Self; 2] = [Self(1), Self(2)];

    /// The address made of its three parts.
    pub const fn new(domain: u8, area: u8, port: u8) -> Self {
        Self::from_bytes([domain, area, port])
    }

    /// The address in the order of the wire.
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]))
    }

    /// The three bytes to send; bits above the 24th are dropped.
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, domain, area, port] = self.0.to_be_bytes();
        [domain, area, port]
    }

    /// Bits 23:16: the switch.
    pub const fn domain(self) -> u8 {
        self.to_bytes()[0]
    }

    /// Bits 15:8.
    pub const fn area(self) -> u8 {
        self.to_bytes()[1]
    }

    /// Bits 7:0 (AL_PA on a loop).
    pub const fn port(self) -> u8 {
        self.to_bytes()[2]
    }

    /// One of the addresses that services have everywhere: `FFFFF0h` to `FFFFFFh`.
    pub const fn is_well_known(self) -> bool {
        self.0 >= 0xff_fff0 && self.0 <= 0xff_ffff
    }

    /// The domain controller of a switch: `FFFCxxh`.
    pub const fn is_domain_controller(self) -> bool {
        self.0 >> 8 == 0xfffc
    }

    /// An address that a fabric may give to an N_Port: a domain of 01h to EFh.
    pub const fn is_n_port(self) -> bool {
        self.0 >> 16 >= 0x01 && self.0 >> 16 <= 0xef
    }
}

impl core::fmt::Display for PortId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#08x}", self.0)
    }
}

impl core::fmt::Debug for PortId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// A Name_Identifier: world wide node name or world wide port name, in host order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wwn(pub u64);

impl Wwn {
    /// No name.
    pub const NONE: Self = Self(0);

    /// The name in the order of the wire.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// The eight bytes to send.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Network Address Authority: bits 63:60, the format of the name (1, 2, 5, 6 are in use). FC-FS-5 14.2.
    pub const fn naa(self) -> u8 {
        (self.0 >> 60) as u8
    }

    /// Prints as `21:00:00:24:ff:77:99:ab`.
    pub const fn colons(self) -> Colons {
        Colons(self)
    }
}

impl core::fmt::Display for Wwn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl core::fmt::Debug for Wwn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// A name as bytes with colons between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colons(Wwn);

impl core::fmt::Display for Colons {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (i, byte) in self.0.to_bytes().iter().enumerate() {
            let separator = if i == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

/// The text is not 16 hexadecimal digits, with or without `0x`, nor 8 pairs of them with colons between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WwnError;

impl core::fmt::Display for WwnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("is not a world wide name (16 hexadecimal digits)")
    }
}

impl core::error::Error for WwnError {}

impl core::str::FromStr for Wwn {
    type Err = WwnError;

    /// Takes `21000024ff7799ab`, `0x21000024ff7799ab` and `21:00:00:24:ff:77:99:ab`.
    fn from_str(text: &str) -> Result<Self, WwnError> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text).as_bytes();
        match digits.len() {
            16 => digits.iter().try_fold(0, push_digit).map(Self),
            23 => {
                let pairs = digits.iter().enumerate();
                let mut name = 0;
                for (i, digit) in pairs {
                    match (i % 3, digit) {
                        (2, b':') => {}
                        (2, _) => return Err(WwnError),
                        _ => name = push_digit(name, digit)?,
                    }
                }
                Ok(Self(name))
            }
            _ => Err(WwnError),
        }
    }
}

fn push_digit(name: u64, digit: &u8) -> Result<u64, WwnError> {
    let value = char::from(*digit).to_digit(16).ok_or(WwnError)?;
    Ok(name << 4 | u64::from(value))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn addresses() {
        let id = PortId::new(1, 2, 3);
        assert_eq!(id, PortId(0x010203));
        assert_eq!(id.to_bytes(), [1, 2, 3]);
        assert_eq!(id.to_string(), "0x010203");
        assert_eq!((id.domain(), id.area(), id.port()), (1, 2, 3));
        assert_eq!(PortId(0xff01_0203).to_bytes(), [1, 2, 3]);
        assert!(PortId::DIRECTORY.is_well_known() && !id.is_well_known() && !PortId(0xff01_0203).is_well_known());
        assert!(id.is_n_port() && !PortId::NONE.is_n_port() && !PortId(0xf00000).is_n_port());
        assert!(PortId(0xfffc01).is_domain_controller());
    }

    #[test]
    fn names() {
        let name = Wwn(0x2100_0024_ff77_99ab);
        assert_eq!(name.to_string(), "0x21000024ff7799ab");
        assert_eq!(name.colons().to_string(), "21:00:00:24:ff:77:99:ab");
        assert_eq!(name.naa(), 2);
        assert_eq!(Wwn(1).to_string(), "0x0000000000000001");
        for text in ["0x21000024ff7799ab", "21000024FF7799AB", "21:00:00:24:ff:77:99:ab", "0X21000024ff7799ab"] {
            assert_eq!(text.parse(), Ok(name), "{text}");
        }
        for text in [
            "",
            "0x",
            "0x1",
            "21000024ff7799a",
            "21000024ff7799abc",
            "2100:0024:ff77:99ab",
            "21-00-00-24-ff-77-99-ab",
            "21:00:00:24:ff:77:99:a",
            "+1000024ff7799ab",
            "0x0x000024ff7799ab",
            "\u{e9}1000024ff7799a",
        ] {
            assert_eq!(text.parse::<Wwn>(), Err(WwnError), "{text}");
        }
    }
}
