//! The memory of the transceiver: a short-wave one, all well with it. SFF-8472.

/// Address A0h: what it is.
pub fn base(gigabits: u32, serial: &str) -> [u8; 256] {
    let mut memory = [0; 256];
    memory[..3].copy_from_slice(&[0x03, 0x04, 0x07]); // SFP, by two-wire interface, LC
    memory[7] = 0x40; // Fibre Channel, short distance
    memory[8] = 0x40; // short wave laser without OFC
    memory[9] = 0x0c; // multimode, 50 and 62.5 um
    memory[10] = if gigabits >= 32 { 0x68 } else { 0x70 }; // 8, 16 and 32 or 4, 8 and 16 Gb/s
    memory[11] = 0x06; // 64B/66B
    memory[12] = if gigabits >= 32 { 0xff } else { 140 }; // 100 MBd; FFh: see byte 66
    memory[16..20].copy_from_slice(&[2, 0, 10, 7]); // OM2, OM1, OM4, OM3: 10 m
    text(&mut memory[20..36], "SOFT OPTICS");
    memory[37..40].copy_from_slice(&[0x00, 0x0e, 0x1e]);
    text(&mut memory[40..56], if gigabits >= 32 { "SO-SFP28-SW" } else { "SO-SFP16-SW" });
    text(&mut memory[56..60], "1");
    memory[60..62].copy_from_slice(&850u16.to_be_bytes()); // nm
    memory[63] = sum(&memory[..63]);
    memory[65] = 0x1a; // transmit disable, fault, loss of signal
    memory[66] = if gigabits >= 32 { 112 } else { 0 }; // 250 MBd
    text(&mut memory[68..84], serial);
    text(&mut memory[84..92], "240101");
    memory[92] = 0x68; // diagnostics, calibrated by itself, average power
    memory[93] = 0xf0; // alarms, control of transmit, fault, loss of signal
    memory[94] = 0x08; // revision 12
    memory[95] = sum(&memory[64..95]);
    memory
}

/// Address A2h: thresholds and measurements.
pub fn diagnostics() -> [u8; 256] {
    let mut memory = [0; 256];
    // High and low alarm, high and low warning.
    let temperature = [75, -5, 70, 0].map(|celsius: i16| (celsius * 256) as u16);
    let voltage = [36_300, 29_700, 34_650, 31_350]; // 100 uV
    let bias = [6_000, 1_000, 5_500, 1_250]; // 2 uA
    let transmit = [12_589, 2_512, 10_000, 3_162]; // 0.1 uW
    let receive = [12_589, 501, 10_000, 794];
    let all = [temperature, voltage, bias, transmit, receive].into_iter().flatten();
    put(&mut memory, 0, all);
    // Calibration of one whose values need none: factors of 1.
    memory[68..72].copy_from_slice(&1f32.to_be_bytes());
    put(&mut memory, 76, [0x100, 0, 0x100, 0, 0x100, 0, 0x100, 0]);
    memory[95] = sum(&memory[..95]);
    // 38.5 degrees, 3.3 V, 7 mA, 0.63 mW sent, 0.56 mW received.
    put(&mut memory, 96, [0x2680, 33_000, 3_500, 6_310, 5_620]);
    memory
}

fn text(to: &mut [u8], text: &str) {
    to.fill(b' ');
    to.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
}

fn put(memory: &mut [u8; 256], at: usize, words: impl IntoIterator<Item = u16>) {
    for (n, word) in words.into_iter().enumerate() {
        memory[at + 2 * n..at + 2 * n + 2].copy_from_slice(&word.to_be_bytes());
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_places() {
        let memory = base(32, "SN1");
        assert_eq!((memory[63], memory[95]), (sum(&memory[..63]), sum(&memory[64..95])));
        assert_eq!(&memory[68..72], b"SN1 ");
        assert_eq!(memory[60..62], [3, 0x52]);
        let memory = diagnostics();
        assert_eq!(memory[95], sum(&memory[..95]));
        assert_eq!(memory[..4], [75, 0, 0xfb, 0]);
        assert_eq!(memory[96..98], [38, 0x80]);
    }
}
