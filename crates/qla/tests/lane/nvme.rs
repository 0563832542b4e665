//! Commands of NVMe, CTIO by CTIO.

use crate::rig::*;
use fc::{Queue, Response};
use wire::fcnvme::Ersp;
use wire::isp::iocb::{CtioMode, CtioNvme, CtioStatus, EntryType, LeId};

const ATTRIBUTES: u16 = (ATTRIBUTE as u16) << 9;

fn same(ctio: &CtioNvme, exchange: u32) {
    assert_eq!(ctio.header.entry_type, EntryType::CTIO_NVME);
    assert_eq!((ctio.nport_handle.get(), ctio.vp_index, ctio.timeout.get()), (NPORT, VP, 10));
    assert_eq!(ctio.initiator_id, LeId([3, 2, 1]));
    assert_eq!(ctio.exchange_address.get(), exchange);
    assert_eq!(ctio.ox_id.get(), exchange as u16 ^ 0x5555);
}

fn extended(result: u8) -> Response {
    Response::NvmeExtended { result, rsn: 77, transferred: 512, cqe: std::array::from_fn(|n| n as u8) }
}

#[test]
fn read_data_and_the_short_response_are_one_ctio() {
    let mut rig = Rig::nvme();
    let xid = rig.command(1);
    let data = rig.data(4096);
    let address = data.address();
    rig.queue.transmit(xid, 0, data, Some(Response::Nvme));
    let entry = rig.iocb();
    let ctio = CtioNvme::of(&entry);
    same(ctio, 1);
    assert_eq!(ctio.flags.get(), 0x8002 | ATTRIBUTES);
    assert_eq!((ctio.transfer().offset, ctio.transfer().length), (0, 4096));
    assert_eq!((ctio.dseg_count.get(), ctio.dsd[0].address(), ctio.dsd[0].length()), (1, address, 4096));
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn the_short_response_alone_has_no_segment() {
    let mut rig = Rig::nvme();
    let xid = rig.command(1);
    rig.queue.respond(xid, Response::Nvme);
    let entry = rig.iocb();
    let ctio = CtioNvme::of(&entry);
    same(ctio, 1);
    assert_eq!((ctio.flags.get(), ctio.dseg_count.get()), (0x8000 | ATTRIBUTES, 0));
    assert_eq!(entry[28..], [0; 36]);
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn the_long_response_is_in_the_entry_and_never_with_data() {
    let mut rig = Rig::nvme();
    let xid = rig.command(1);
    let data = rig.data(512);
    rig.queue.transmit(xid, 0, data, Some(extended(0)));
    let entries = rig.iocbs();
    let [data, status] = entries[..] else { panic!("{entries:02x?}") };
    assert_eq!(flags(&data).0, 0x0102 | ATTRIBUTES);
    assert_eq!(handle(&data), handle(&status) | 1 << 30);
    let ctio = CtioNvme::of(&status);
    same(ctio, 1);
    assert_eq!((ctio.flags.get(), ctio.dseg_count.get()), (0x8040 | ATTRIBUTES, 0));
    assert_eq!(status[28..32], [3, 2, 1, 0], "each word of the completion is swapped");
    let ersp = ctio.ersp();
    assert_eq!(ersp.cqe(), std::array::from_fn(|n| n as u8));
    assert_eq!((ersp.transferred.get(), ersp.rsn.get()), (512, 77));
    rig.complete(&status, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn a_result_of_the_long_response_needs_memory() {
    let mut rig = Rig::nvme();
    let xid = rig.command(1);
    rig.queue.respond(xid, extended(3));
    let entry = rig.iocb();
    let ctio = CtioNvme::of(&entry);
    same(ctio, 1);
    assert_eq!(ctio.flags().mode(), Some(CtioMode::Indirect));
    assert_eq!((ctio.flags.get(), ctio.dseg_count.get()), (0x8080 | ATTRIBUTES, 1));
    assert_eq!((ctio.transfer_length.get(), ctio.dsd[0].length()), (32, 32));
    let mut bytes = [0; 32];
    assert!(dma::Arena::window(&rig.arena).read(ctio.dsd[0].address(), &mut bytes));
    let ersp = Ersp::parse(&bytes).unwrap();
    assert_eq!((ersp.result.0, ersp.rsn.get(), ersp.transferred.get()), (3, 77, 512));
    assert_eq!(bytes[16..], std::array::from_fn::<u8, 16, _>(|n| n as u8));
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn a_write_and_its_response() {
    let mut rig = Rig::nvme();
    let xid = rig.command(1);
    let data = rig.data(4096);
    rig.queue.receive(xid, 512, data);
    let entry = rig.iocb();
    let ctio = CtioNvme::of(&entry);
    same(ctio, 1);
    assert_eq!((ctio.flags.get(), ctio.transfer().offset), (1 | ATTRIBUTES, 512));
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.received(xid, true);
    rig.queue.respond(xid, extended(0));
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn an_exchange_is_ended_by_a_ctio_type_7() {
    let mut rig = Rig::nvme();
    let xid = rig.command(0x77);
    rig.queue.terminate(xid);
    let entry = rig.iocb();
    assert_eq!(EntryType(entry[0]), EntryType::CTIO_7);
    assert_eq!(flags(&entry).0, 0x4040 | ATTRIBUTES);
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}
