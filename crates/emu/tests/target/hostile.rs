//! Drivers that say nonsense: an entry status or a completion, never a panic, and the next good order works.

use super::fcp::{read, write};
use super::rig::{BASE, Rig, ctio, data, status};
use fc::Fc4;
use fc::fc2::Direction;
use wire::isp::iocb::{CtioCrc2, CtioFlags, CtioNvme, CtioStatus, Dsd64, Entry, EntryHeader, EntryStatus, EntryType};

/// A command that waits in the driver.
fn held(rig: &mut Rig, session: fc::SessionInfo, iu: &[u8]) -> Vec<Entry> {
    rig.serves = false;
    rig.command(session, iu, Direction::None, 1);
    rig.pass(5);
    rig.atio(EntryType::ATIO_7).expect("a command")
}

/// How an order comes back: its entry status.
fn refused(rig: &mut Rig, entries: &[Entry]) -> EntryStatus {
    rig.order(0, entries);
    rig.pass(2);
    let kind = EntryHeader::of(&entries[0]).entry_type;
    let (_, entry) = rig.response(kind).expect("it comes back");
    assert_eq!(entry[4..8], entries[0][4..8], "with its handle");
    EntryHeader::of(&entry).status()
}

#[test]
fn every_fault_has_its_status() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let atio = held(&mut rig, session, &read(0, 64));
    let (read, out) = (CtioFlags(0).with_data_in(true), CtioFlags(0).with_data_out(true));
    let mut missing = data(&atio, read, (0, 32768), BASE);
    missing.truncate(1);
    assert!(refused(&mut rig, &missing).invalid_count());
    let mut other = data(&atio, read, (0, 32768), BASE);
    other[1][0] = 0x10;
    assert!(refused(&mut rig, &other).invalid_count());
    let mut long = data(&atio, read, (0, 4096), BASE);
    long[0][44..48].copy_from_slice(&8192u32.to_le_bytes());
    assert!(refused(&mut rig, &long).invalid_parameter());
    let mut wraps = data(&atio, read, (0, 4096), BASE);
    wraps[0][36..40].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refused(&mut rig, &wraps).invalid_parameter());
    for flags in
        [out.with_data_in(true), out.with_send_status(true), CtioFlags(0), CtioFlags(0xc0), read.with_mode_1(true)]
    {
        assert!(refused(&mut rig, &data(&atio, flags, (0, 4096), BASE)).invalid_parameter(), "{flags:?}");
    }
    let mut sense = status(&atio, 2).with_inline(&[], &[0; 24]);
    sense.sense_length.set(25);
    assert!(refused(&mut rig, &[*sense.entry()]).invalid_parameter());
    let mut nvme = CtioNvme::new();
    nvme.exchange_address = ctio(&atio, read).exchange_address;
    nvme.flags.set(CtioFlags(0).with_send_status(true).0);
    assert!(refused(&mut rig, &[*nvme.entry()]).invalid_parameter());
    assert!(refused(&mut rig, &[*CtioCrc2::new().entry()]).invalid_type());
    let mut memory = ctio(&atio, CtioFlags(0).with_mode_2(true).with_send_status(true));
    (memory.dsd, memory.dseg_count, memory.transfer_length) = ([Dsd64::new(1, 24)], 1.into(), 24.into());
    assert!(refused(&mut rig, &[*memory.entry()]).dma_error());
    assert!(refused(&mut rig, &data(&atio, read, (0, 4096), 0x1000)).dma_error());
    // The exchange is open all the same.
    rig.order(0, &[*status(&atio, 0).entry()]);
    rig.pass(5);
    assert_eq!(rig.completions()[0].0, CtioStatus::SUCCESS);
}

#[test]
fn data_for_memory_that_is_not_there() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    rig.serves = false;
    let buffer = rig.pool.take(4096).unwrap();
    rig.command(session, &write(0, 8), Direction::Out(buffer), 1);
    rig.pass(5);
    let atio = rig.atio(EntryType::ATIO_7).unwrap();
    rig.order(0, &data(&atio, CtioFlags(0).with_data_out(true), (0, 4096), u64::MAX - 100));
    rig.order(0, &[*status(&atio, 0).entry()]);
    rig.pass(20);
    let (_, entry) = rig.response(EntryType::CTIO_7).expect("it comes back");
    assert!(EntryHeader::of(&entry).status().dma_error());
    assert_eq!(rig.completions()[0].0, CtioStatus::ABORTED, "no GOOD after data that were lost");
    assert!(rig.ended(1).is_none());
}

#[test]
fn a_wrong_exchange() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let atio = held(&mut rig, session, &read(0, 8));
    let mut stray = status(&atio, 0);
    for address in [0, 77_777, u32::MAX] {
        stray.exchange_address.set(address);
        rig.order(0, &[*stray.entry()]);
        rig.pass(1);
        let (status, flags) = rig.completions()[0];
        assert_eq!((status, flags.terminate()), (CtioStatus::INVALID_RX_ID, true), "{address:#x}");
    }
    stray.flags.set(stray.flags().with_no_completion(true).0);
    rig.order(0, &[*stray.entry()]);
    rig.pass(1);
    assert!(rig.completions().is_empty());
}

#[test]
fn random_orders() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    rig.serves = false;
    let mut state = 3u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u32
    };
    let kinds = [0x12, 0x0e, 0x55, 0x7a, 0x82, 0x89];
    for round in 0..300u64 {
        let iu = if round % 2 == 0 { read(0, 8) } else { write(0, 8) };
        rig.command(session, &iu, Direction::None, round);
        rig.pass(1);
        let Some(atio) = rig.atio(EntryType::ATIO_7) else { continue };
        for _ in 0..20 {
            let count = 1 + random() as usize % 3;
            let mut entries: Vec<Entry> = (0..count).map(|_| std::array::from_fn(|_| random() as u8)).collect();
            entries[0][0] = kinds[random() as usize % kinds.len()];
            entries[0][1] = count as u8;
            entries[1..].iter_mut().for_each(|entry| entry[0] = 0x0a);
            if random() % 4 != 0 {
                // Half right: the exchange, few segments in memory that is there.
                entries[0][20..24].copy_from_slice(&atio[0][4..8]);
                entries[0][12..14].copy_from_slice(&[(random() % 7) as u8, 0]);
                entries[0][44..48].copy_from_slice(&(random() % 8192).to_le_bytes());
                let dsd = Dsd64::new(BASE + u64::from(random() % 4096), random() % 8192);
                entries[0][52..60].copy_from_slice(&dsd.address().to_le_bytes());
                entries[0][60..64].copy_from_slice(&dsd.length().to_le_bytes());
            }
            rig.order((random() % 4) as u16, &entries);
        }
        rig.pass(1);
        rig.outputs.retain(|output| !matches!(output, emu::isp::firmware::Output::Response { .. }));
    }
    rig.serves = true;
    rig.pass(2000);
    // The command that is good is served as ever.
    let session = rig.login(Fc4::Fcp).expect("a session");
    let buffer = rig.pool.take(4096).unwrap();
    rig.command(session, &read(0, 8), Direction::In(buffer), 9999);
    rig.pass(50);
    let (result, buffer, ..) = rig.ended(9999).expect("it ended");
    rig.pool.give(buffer);
    assert!(result.is_ok());
}
