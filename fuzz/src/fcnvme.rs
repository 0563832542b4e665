//! `fcnvme`: link services and information units of FC-NVMe. Input: the payload of a frame.

use wire::fcnvme::*;
use wire::fcp::Direction;
use wire::parse;

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    match LsRequest::parse(data) {
        Ok(request) => same(data, request),
        Err(fault) => rejected(data, fault),
    }
    for request in (0..=255).map(LsCommand) {
        let _ = LsReply::parse(data, request);
    }
    units(data);
}

fn same(data: &[u8], request: LsRequest<'_>) {
    match request {
        LsRequest::CreateAssociation(create) => {
            assert_eq!(create.to_bytes()[..592], data[..592]);
            assert!(create.ersp_ratio.get() > 0 && u32::from(create.ersp_ratio.get()) < create.sq_entries());
        }
        LsRequest::CreateConnection(create) => {
            assert_eq!(create.to_bytes(), data[..80]);
            assert!(create.qid.get() > 0 && u32::from(create.ersp_ratio.get()) < create.sq_entries());
        }
        LsRequest::Disconnect(disconnect) => assert_eq!(disconnect.to_bytes(), data[..48]),
        LsRequest::DisconnectConnection(disconnect) => assert_eq!(disconnect.to_bytes(), data[..40]),
    }
}

/// The host reads from our reject what we meant.
fn rejected(data: &[u8], fault: LsFault) {
    let (reason, explanation) = fault.codes();
    let reply = LsRjt::of(data, fault);
    let read = LsReply::parse(&reply.to_bytes(), reply.head.request);
    assert_eq!(read, Err(LsReplyFault::Rejected(reason, explanation)));
    assert!(!fault.to_string().is_empty());
}

fn units(data: &[u8]) {
    match CmndIu::parse(data) {
        Ok(iu) => {
            assert!(CmndIu::is_nvme(data) && iu.to_bytes() == data);
            assert!(iu.direction() != Direction::None || iu.data_length.get() == 0);
            let _ = iu.category();
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
    let Some(ersp) = Ersp::parse(data) else { return };
    assert_eq!(ersp.to_bytes(), data[..ERSP_BYTES]);
    let Some(iu) = parse::<CmndIu>(data) else { return };
    let done = Completion {
        sqe: &iu.sqe,
        cqe: &ersp.cqe,
        transferred: ersp.transferred.get(),
        data_length: iu.data_length.get(),
        response: ersp.rsn.get(),
        ersp_ratio: iu.ms.get(),
        sq_entries: iu.csn.get(),
        sq_used: ersp.transferred.get(),
    };
    assert!(ersp_due(&done) || (ersp.cqe.value() == 0 && done.transferred == done.data_length));
}
