//! Commands of FCP, CTIO by CTIO.

use crate::rig::*;
use fc::{Arrival, FcpResponse, Queue, Residual, Response};
use wire::fcp::Rsp;
use wire::isp::iocb::{Ctio7, CtioMode, CtioStatus, EntryType, LeId, NPORT_UNRECOGNISED};

/// The fields that all CTIOs of an exchange have.
fn same(ctio: &Ctio7, exchange: u32) {
    assert_eq!(ctio.header.entry_type, EntryType::CTIO_7);
    assert_eq!(ctio.nport_handle.get(), NPORT);
    assert_eq!(ctio.vp_index, VP);
    assert_eq!(ctio.initiator_id, LeId([3, 2, 1]));
    assert_eq!(ctio.exchange_address.get(), exchange);
    assert_eq!(ctio.ox_id.get(), exchange as u16 ^ 0x5555);
    assert_eq!(ctio.flags().attribute(), ATTRIBUTE);
    assert_eq!(ctio.timeout.get(), 10);
}

#[test]
fn a_good_read_is_one_ctio() {
    for residual in [Residual::None, Residual::Under(100), Residual::Over(70)] {
        let mut rig = Rig::fcp();
        let xid = rig.command(0x123);
        assert_eq!((rig.end.open(), rig.queue.is_pending()), (1, false));
        let data = rig.data(1000);
        let address = data.address();
        rig.queue.transmit(xid, 0, data, Some(Response::Fcp(FcpResponse { residual, ..NOTHING })));
        let entry = rig.iocb();
        let ctio = Ctio7::of(&entry);
        same(ctio, 0x123);
        let (status, bytes) = match residual {
            Residual::None => (0, 0),
            Residual::Under(bytes) => (0x800, bytes),
            Residual::Over(bytes) => (0x400, bytes),
        };
        assert_eq!(ctio.flags.get(), 0x8002 | u16::from(ATTRIBUTE) << 9);
        assert_eq!((ctio.scsi_status.get(), ctio.residual.get()), (status, bytes));
        assert_eq!((ctio.transfer().offset, ctio.transfer().length), (0, 1000));
        assert_eq!((ctio.dseg_count.get(), ctio.dsd[0].address(), ctio.dsd[0].length()), (1, address, 1000));
        assert!(rig.queue.is_pending() && rig.arrivals().is_empty());
        rig.complete(&entry, CtioStatus::SUCCESS);
        match rig.arrival() {
            Arrival::Sent { xid: of, data, ok } => {
                assert_eq!((of, data.address(), ok), (xid, address, true));
                rig.pool.give(data);
            }
            other => panic!("{other:?}"),
        }
        rig.is_clean();
    }
}

#[test]
fn data_in_pieces_then_the_response() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    for offset in [0, 1000] {
        let data = rig.data(1000);
        rig.queue.transmit(xid, offset, data, None);
        let entry = rig.iocb();
        assert_eq!(flags(&entry).0, 2 | u16::from(ATTRIBUTE) << 9);
        assert_eq!(Ctio7::of(&entry).transfer().offset, offset);
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(xid, true);
        assert_eq!(rig.end.open(), 1);
    }
    rig.queue.respond(xid, GOOD);
    let entry = rig.iocb();
    same(Ctio7::of(&entry), 1);
    assert_eq!(flags(&entry).0, 0x8040 | u16::from(ATTRIBUTE) << 9);
    assert_eq!(entry[34..], [0; 30], "status 0, no response info, no sense");
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn sense_of_up_to_24_bytes_is_in_the_entry() {
    for len in 1..=24 {
        let mut rig = Rig::fcp();
        let xid = rig.command(1);
        let response = FcpResponse { residual: Residual::Under(512), ..check_condition(len) };
        rig.queue.respond(xid, Response::Fcp(response));
        let entry = rig.iocb();
        let ctio = Ctio7::of(&entry);
        assert_eq!(ctio.flags.get(), 0x8040 | u16::from(ATTRIBUTE) << 9);
        assert_eq!((ctio.scsi_status.get(), ctio.residual.get()), (0x0a02, 512));
        assert_eq!((ctio.sense_length.get(), ctio.dseg_count.get()), (len.into(), 0));
        assert_eq!(ctio.inline()[..], response.sense[..24]);
        assert_eq!(entry[36..38], [0, 0], "no response info");
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(xid, true);
        rig.is_clean();
    }
}

#[test]
fn what_does_not_fit_goes_from_memory_whole() {
    let retry = FcpResponse { status: 8, qualifier: 0x4123, ..NOTHING };
    let both = FcpResponse { code: Some(2), ..check_condition(10) };
    for response in [check_condition(25), check_condition(40), retry, both] {
        let mut rig = Rig::fcp();
        // Another place than the first.
        let idle = rig.command(9);
        let xid = rig.command(1);
        rig.queue.respond(xid, Response::Fcp(response));
        let entry = rig.iocb();
        let ctio = Ctio7::of(&entry);
        same(ctio, 1);
        assert_eq!(ctio.flags().mode(), Some(CtioMode::Indirect));
        assert_eq!(ctio.flags.get(), 0x8080 | u16::from(ATTRIBUTE) << 9);
        let (address, length) = (ctio.dsd[0].address(), ctio.dsd[0].length());
        assert_eq!((ctio.dseg_count.get(), ctio.transfer_length.get()), (1, length));
        let mut bytes = vec![0; length as usize];
        assert!(dma::Arena::window(&rig.arena).read(address, &mut bytes));
        let rsp = Rsp::parse(&bytes).expect("a whole response");
        assert_eq!(rsp.sense, &response.sense[..response.sense_len.into()]);
        assert_eq!(
            (rsp.status, rsp.qualifier, rsp.code.map(|code| code.0)),
            (response.status, response.qualifier, response.code)
        );
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(xid, true);
        rig.queue.respond(idle, GOOD);
        let entry = rig.iocb();
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(idle, true);
        rig.is_clean();
    }
}

#[test]
fn data_with_another_status_are_two_ctios_and_one_completion() {
    for response in [check_condition(18), check_condition(40)] {
        let mut rig = Rig::fcp();
        let xid = rig.command(1);
        let data = rig.data(512);
        rig.queue.transmit(xid, 0, data, Some(Response::Fcp(response)));
        let entries = rig.iocbs();
        let [data, status] = entries[..] else { panic!("{entries:02x?}") };
        assert_eq!(flags(&data).0, 0x0102 | u16::from(ATTRIBUTE) << 9, "data in, no completion");
        assert_eq!(handle(&data), handle(&status) | 1 << 30);
        assert!(flags(&status).send_status() && !flags(&status).data_in() && !flags(&status).no_completion());
        rig.complete(&status, CtioStatus::SUCCESS);
        rig.ended(xid, true);
        rig.is_clean();
    }
}

#[test]
fn a_data_ctio_that_comes_back_all_the_same_was_not_sent() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    let data = rig.data(512);
    rig.queue.transmit(xid, 0, data, Some(Response::Fcp(check_condition(18))));
    let entries = rig.iocbs();
    rig.complete(&entries[0], CtioStatus::TIMEOUT);
    assert!(rig.arrivals().is_empty(), "the status is still out");
    rig.complete(&entries[1], CtioStatus::SUCCESS);
    rig.ended(xid, false);
    rig.is_clean();
}

#[test]
fn a_task_management_response_says_its_code() {
    for code in [0, 4, 5, 9] {
        let mut rig = Rig::fcp();
        let xid = rig.command(1);
        rig.queue.respond(xid, Response::Fcp(FcpResponse { code: Some(code), ..NOTHING }));
        let entry = rig.iocb();
        let ctio = Ctio7::of(&entry);
        assert_eq!(ctio.flags.get(), 0x8040 | u16::from(ATTRIBUTE) << 9);
        assert_eq!(ctio.scsi_status.get(), 0x0100);
        assert_eq!((entry[36], entry[40], ctio.inline()[3]), (8, code, code));
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(xid, true);
        rig.is_clean();
    }
}

#[test]
fn a_write_asks_for_its_data_and_answers() {
    let mut rig = Rig::fcp();
    let xid = rig.command(0xabcd);
    let data = rig.data(4096);
    let address = data.address();
    rig.queue.receive(xid, 8192, data);
    let entry = rig.iocb();
    let ctio = Ctio7::of(&entry);
    same(ctio, 0xabcd);
    assert_eq!(ctio.flags.get(), 1 | u16::from(ATTRIBUTE) << 9);
    assert_eq!((ctio.transfer().offset, ctio.transfer().length), (8192, 4096));
    assert_eq!((ctio.dsd[0].address(), ctio.dsd[0].length()), (address, 4096));
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.received(xid, true);
    rig.queue.respond(xid, GOOD);
    let entry = rig.iocb();
    assert_eq!(flags(&entry).mode(), Some(CtioMode::Inline));
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

const ERRORS: [CtioStatus; 12] = [
    CtioStatus(0),
    CtioStatus::ABORTED,
    CtioStatus::INVALID_RX_ID,
    CtioStatus::TIMEOUT,
    CtioStatus::DIF_ERROR,
    CtioStatus::LIP_RESET,
    CtioStatus::TARGET_RESET,
    CtioStatus::PORT_UNAVAILABLE,
    CtioStatus::PORT_LOGGED_OUT,
    CtioStatus::PORT_CONFIG_CHANGED,
    CtioStatus::SRR_RECEIVED,
    CtioStatus(0xff),
];

#[test]
fn data_that_did_not_come_are_said_to_be_missing() {
    for status in ERRORS {
        let mut rig = Rig::fcp();
        let xid = rig.command(1);
        let data = rig.data(4096);
        rig.queue.receive(xid, 0, data);
        let entry = rig.iocb();
        rig.complete(&entry, status);
        rig.received(xid, false);
        let logged_out = rig.told().len();
        assert_eq!(logged_out, usize::from(status == CtioStatus::PORT_LOGGED_OUT));
        rig.queue.respond(xid, Response::Fcp(check_condition(18)));
        // An exchange that the adapter does not know can be answered by nobody.
        if status != CtioStatus::INVALID_RX_ID {
            let entry = rig.iocb();
            assert!(flags(&entry).send_status());
            rig.complete(&entry, CtioStatus::SUCCESS);
        }
        rig.ended(xid, status != CtioStatus::INVALID_RX_ID);
        rig.is_clean();
    }
}

#[test]
fn a_residual_of_write_data_is_no_success() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    let data = rig.data(4096);
    rig.queue.receive(xid, 0, data);
    let mut done = completion(&rig.iocb(), CtioStatus::SUCCESS);
    done[28] = 1;
    rig.chip.complete(&[done]);
    rig.received(xid, false);
    rig.queue.terminate(xid);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn a_response_that_did_not_leave_ends_its_exchange() {
    for status in ERRORS {
        let mut rig = Rig::fcp();
        let xid = rig.command(1);
        let data = rig.data(4096);
        rig.queue.transmit(xid, 0, data, Some(GOOD));
        let entry = rig.iocb();
        rig.complete(&entry, status);
        if status != CtioStatus::INVALID_RX_ID {
            assert!(rig.arrivals().is_empty(), "the exchange is still there");
            let entry = rig.iocb();
            let ctio = Ctio7::of(&entry);
            assert_eq!(ctio.flags.get(), 0x4040 | u16::from(ATTRIBUTE) << 9);
            assert_eq!(ctio.nport_handle.get(), NPORT_UNRECOGNISED);
            assert_eq!((ctio.exchange_address.get(), ctio.initiator_id), (1, LeId([3, 2, 1])));
            rig.complete(&entry, CtioStatus::SUCCESS);
        }
        rig.ended(xid, false);
        rig.told();
        rig.is_clean();
    }
}

#[test]
fn an_exchange_that_the_firmware_ended_gets_nothing_more() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    let data = rig.data(4096);
    rig.queue.receive(xid, 0, data);
    let done = terminated(&rig.iocb(), CtioStatus::TIMEOUT);
    rig.chip.complete(&[done]);
    rig.received(xid, false);
    let data = rig.data(10);
    rig.queue.transmit(xid, 0, data, None);
    rig.ended(xid, false);
    rig.queue.respond(xid, GOOD);
    assert!(rig.iocbs().is_empty());
    rig.ended(xid, false);
    // And the same when it was the response.
    let xid = rig.command(2);
    rig.queue.respond(xid, GOOD);
    let done = terminated(&rig.iocb(), CtioStatus::TIMEOUT);
    rig.chip.complete(&[done]);
    rig.ended(xid, false);
    assert!(rig.iocbs().is_empty());
    rig.is_clean();
}

#[test]
fn a_ctio_that_the_adapter_does_not_understand_failed() {
    for write in [true, false] {
        let mut rig = Rig::fcp();
        let xid = rig.command(1);
        if write {
            let data = rig.data(10);
            rig.queue.receive(xid, 0, data);
        } else {
            rig.queue.respond(xid, GOOD);
        }
        // It comes back itself; what were flags of a request mean nothing.
        let mut back = rig.iocb();
        back[3] = 0x08;
        rig.chip.complete(&[back]);
        if write {
            rig.received(xid, false);
            rig.queue.terminate(xid);
        } else {
            assert!(rig.arrivals().is_empty());
        }
        let entry = rig.iocb();
        assert!(flags(&entry).terminate());
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(xid, write);
        rig.is_clean();
    }
}

#[test]
fn nothing_to_move_is_moved_at_once() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    let nothing = rig.data(0);
    rig.queue.receive(xid, 0, nothing);
    rig.received(xid, true);
    let nothing = rig.data(0);
    rig.queue.transmit(xid, 0, nothing, None);
    rig.ended(xid, true);
    assert!(rig.iocbs().is_empty());
    let nothing = rig.data(0);
    rig.queue.transmit(xid, 0, nothing, Some(GOOD));
    let entry = rig.iocb();
    assert_eq!(flags(&entry).mode(), Some(CtioMode::Inline));
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn a_name_that_is_over_is_ended_all_the_same() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    rig.queue.terminate(xid);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    let data = rig.data(10);
    rig.queue.receive(xid, 0, data);
    rig.received(xid, false);
    let data = rig.data(10);
    rig.queue.transmit(xid, 0, data, Some(GOOD));
    rig.ended(xid, false);
    rig.queue.terminate(xid);
    rig.ended(xid, false);
    rig.queue.cancel(xid);
    rig.is_clean();
}

#[test]
fn late_double_and_foreign_completions_change_nothing() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    let data = rig.data(10);
    rig.queue.receive(xid, 0, data);
    let first = rig.iocb();
    let done = completion(&first, CtioStatus::SUCCESS);
    let mut foreign = done;
    foreign[6] ^= 1;
    rig.chip.complete(&[foreign, done, done]);
    rig.received(xid, true);
    let data = rig.data(10);
    rig.queue.receive(xid, 10, data);
    let second = rig.iocb();
    assert_ne!(handle(&first), handle(&second));
    rig.chip.complete(&[done, [0xff; 64], [0; 64]]);
    assert!(rig.arrivals().is_empty());
    rig.complete(&second, CtioStatus::SUCCESS);
    rig.received(xid, true);
    assert_eq!(rig.queue.counters().stale, 5);
    rig.queue.respond(xid, GOOD);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}
