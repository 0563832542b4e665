//! What peers and the fabric send: logins, logouts, RSCN, ELS that the host answers itself.

use crate::memory::BASE;
use crate::rig::*;
use crate::storage::names;
use fc::{Attachment, Frame, FrameBox, Link, LinkEvent, RingLink, Wake, ring_links};
use std::sync::Arc;
use wire::fc::els::*;
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED};
use wire::isp::iocb::*;

/// A port of the fabric that is played by the test.
struct Peer {
    link: RingLink,
    id: PortId,
    ox_id: u16,
}

impl Peer {
    fn new(san: &mut San) -> Self {
        let nobody: Wake = Arc::new(|| {});
        let [link, far] = ring_links(64, [nobody.clone(), nobody]);
        san.switch.attach(Box::new(far)).expect("a port");
        let mut peer = Self { link, id: PortId::NONE, ox_id: 0 };
        assert_eq!(peer.link.event(0), Some(LinkEvent::Up(Attachment::Login)));
        let names = names(0x99);
        let flogi = Login::fabric(Command::FLOGI, names.port, names.node, 2112, false).to_bytes();
        let answer = peer.ask(san, PortId::FABRIC, &flogi);
        peer.id = answer.header().d_id();
        peer
    }

    /// An ELS request, and its answer.
    fn ask(&mut self, san: &mut San, to: PortId, payload: &[u8]) -> FrameBox {
        self.send(san, to, payload).expect("an answer")
    }

    fn send(&mut self, san: &mut San, to: PortId, payload: &[u8]) -> Option<FrameBox> {
        self.ox_id += 1;
        let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, self.id, to)
            .with_f_ctl(FCtl::REQUEST)
            .with_exchange(self.ox_id, UNASSIGNED);
        self.link.send(Frame::new(&header, payload));
        san.pass(5);
        let mine = |frame: &FrameBox| frame.header().r_ctl == RCtl::ELS_REPLY && frame.header().ox_id() == self.ox_id;
        std::iter::from_fn(|| self.link.receive(0)).find(mine)
    }

    fn code(&mut self, san: &mut San, to: PortId, payload: &[u8]) -> Command {
        Command(self.ask(san, to, payload).payload()[0])
    }

    fn plogi(&self) -> [u8; 116] {
        let names = names(0x99);
        Login::n_port(Command::PLOGI, names.port, names.node, 2048).to_bytes()
    }
}

fn own(san: &mut San) -> PortId {
    let adapter = san.mailbox(&[(0, 0x20)]);
    PortId(u32::from(adapter[3]) << 16 | u32::from(adapter[2]))
}

#[test]
fn an_initiator_lets_others_log_in() {
    let mut san = San::ready();
    let mut peer = Peer::new(&mut san);
    let us = own(&mut san);
    san.pass(50);
    san.outputs.clear();
    let mut prli = [0; 32];
    let len = write_pages(&mut prli, Command::PRLI, &[Page::fcp(FcpParams(0).with_initiator(true))]).unwrap();
    assert_eq!(peer.code(&mut san, us, &prli[..len]), Command::LS_RJT, "not logged in yet");
    let plogi = peer.plogi();
    assert_eq!(peer.code(&mut san, us, &plogi), Command::LS_ACC);
    assert_eq!(san.events(), [[0x8014, 0x7ee, 4, 0]]);
    let answer = peer.ask(&mut san, us, &prli[..len]);
    let page = Pages::parse(answer.payload()).unwrap().next().unwrap();
    assert_eq!((page.response(), page.params), (PageResponse::EXECUTED, 0x22));
    assert_eq!(san.events(), [[0x8014, 0x7ee, 6, 0]]);
    let adisc = Adisc::new(Command::ADISC, names(0x99).port, names(0x99).node, peer.id).to_bytes();
    assert_eq!(peer.code(&mut san, us, &adisc), Command::LS_ACC);
    // The host wants to log in with it: the address has a handle already.
    let id = peer.id;
    let used = san.plogi(5, id, 0x30);
    assert_eq!(used.failure(), Some((LoginSubcode::PORT_ID_USED, 0x7ee)));
    let logo = Logo::new(peer.id, names(0x99).port).to_bytes();
    assert_eq!(peer.code(&mut san, us, &logo), Command::LS_ACC);
    assert_eq!(san.events(), [[0x8014, 0x7ee, 7, 0]]);
    assert_eq!(peer.code(&mut san, us, &adisc), Command::LS_RJT);
}

#[test]
fn logins_that_must_not_be() {
    let mut san = San::ready();
    let mut peer = Peer::new(&mut san);
    let us = own(&mut san);
    for name in [host().port, wire::fc::Wwn::NONE] {
        let plogi = Login::n_port(Command::PLOGI, name, name, 2048).to_bytes();
        assert_eq!(peer.code(&mut san, us, &plogi), Command::LS_RJT, "{name}");
    }
    let plogi = Login::n_port(Command::PLOGI, names(0x99).port, names(0x99).node, 100).to_bytes();
    assert_eq!(peer.code(&mut san, us, &plogi), Command::LS_RJT);
    for payload in [&[0x04; 4][..], &[0x7d, 0, 0, 0], &[0x51; 116], &[0x18; 64], &[0x20, 0, 0]] {
        assert_eq!(peer.code(&mut san, us, payload), Command::LS_RJT, "{payload:x?}");
    }
    assert_eq!(peer.code(&mut san, us, &[0x0e, 0, 0, 0]), Command::LS_ACC, "RTV");
    assert_eq!(peer.ask(&mut san, us, &[0x10, 0, 0, 0, 7, 8]).payload()[..6], [2, 0, 0, 0, 7, 8], "ECHO");
    assert!(peer.send(&mut san, us, &[0x11, 0, 0, 0]).is_none(), "TEST");
}

#[test]
fn pages_of_an_rscn_are_events() {
    let mut san = San::ready();
    san.pass(50);
    san.outputs.clear();
    let mut peer = Peer::new(&mut san);
    san.pass(50);
    let [domain, area, al_pa] = peer.id.to_bytes();
    let expected = [0x8015, u16::from(domain), u16::from(area) << 8 | u16::from(al_pa), 0];
    assert!(san.events().contains(&expected));
    // From a peer as from the fabric: any page format.
    let us = own(&mut san);
    let pages = [
        RscnPage::new(EventQualifier::NONE, AddressFormat::FABRIC, PortId(0)),
        RscnPage::new(EventQualifier::NONE, AddressFormat::AREA, PortId(0x010200)),
    ];
    let mut payload = [0; 32];
    let len = write_rscn(&mut payload, &pages).unwrap();
    assert_eq!(peer.code(&mut san, us, &payload[..len]), Command::LS_ACC);
    assert_eq!(san.events(), [[0x8015, 0x0300, 0, 0], [0x8015, 0x0101, 0x0200, 0]]);
}

#[test]
fn a_logout_by_the_target_ends_the_session() {
    let mut san = San::ready();
    let handle = san.handle();
    let mut cdb = [0; 16];
    cdb[1] = crate::storage::plot::HANG;
    san.send(0, &command(handle, &cdb, 0, 0, &[]));
    san.pass(5);
    san.outputs.clear();
    san.targets[0].log_out();
    san.pass(5);
    assert_eq!(san.events(), [[0x8014, DISK, 7, 0]]);
    let entries = san.response(0);
    let status = Status::of(&entries[0]);
    assert_eq!((status.handle, status.comp_status()), (handle, CompletionStatus::PORT_LOGGED_OUT));
}

#[test]
fn els_that_the_host_asked_for_are_passed_up_and_answered_by_it() {
    let mut san = San::with(limits(), 8);
    san.firmware.start(&San::icb(), [1 << 10, 0, 0], san.now);
    san.pass(20);
    san.ask_state();
    let mut peer = Peer::new(&mut san);
    let us = own(&mut san);
    san.pass(50);
    let rdp: Vec<u8> = [0x18].into_iter().chain(1..100).collect();
    assert_eq!(peer.code(&mut san, us, &rdp), Command::LS_RJT, "not asked for");
    let mut map = [0; 32];
    map[3] = 1;
    san.memory.put(0, &map);
    let set = [(0, 0x59), (1, 0x0508), (2, (BASE >> 16) as u16), (7, (BASE >> 32) as u16)];
    assert_eq!(san.mailbox(&set)[0], 0x4000);
    san.outputs.clear();
    assert!(peer.send(&mut san, us, &rdp).is_none());
    let group = san.response(0);
    let purex = *Purex::of(&group[0]);
    assert_eq!((purex.header.entry_type, group.len(), group[0][47]), (EntryType::PUREX, 3, 0x18));
    assert_eq!(purex.frame.s_id.port_id(), peer.id);
    let mut payload = [0; 200];
    let len = unsolicited_payload(&group, &mut payload).unwrap();
    assert_eq!(payload[..len], rdp);
    // The answer, once; then the address is stale.
    let at = san.memory.put(0x100, &[2, 0, 0, 0, 9, 9, 9, 9]);
    let mut els =
        ElsPassThrough { handle: san.handle(), exchange_address: purex.exchange_address, ..ElsPassThrough::new() };
    els.control_flags.set(1 << 13);
    els.tx_dsd_count.set(1);
    els.tx = Dsd64::new(at, 8);
    for (status, frames) in [(CompletionStatus::COMPLETE, 1), (CompletionStatus::IOCB_ERROR, 0)] {
        san.send(0, &[*els.entry()]);
        assert_eq!(ElsPassThrough::of(&san.response(0)[0]).comp_status(), status);
        san.pass(5);
        let mine: Vec<FrameBox> = std::iter::from_fn(|| peer.link.receive(0)).collect();
        let answers = mine.iter().filter(|frame| frame.payload() == [2, 0, 0, 0, 9, 9, 9, 9]).count();
        assert_eq!(answers, frames);
    }
}

#[test]
fn the_host_sends_els_of_its_own() {
    let mut san = San::ready();
    let at = san.memory.put(0x100, &[0x10, 0, 0, 0, 1, 2, 3, 4]);
    let mut els =
        ElsPassThrough { handle: san.handle(), d_id: san.disk().into(), opcode: 0x10, ..ElsPassThrough::new() };
    els.tx_dsd_count.set(1);
    els.rx_dsd_count.set(1);
    els.tx = Dsd64::new(at, 8);
    els.rx = Dsd64::new(BASE + 0x200, 64);
    san.send(0, &[*els.entry()]);
    san.pass(5);
    let done = *ElsPassThrough::of(&san.response(0)[0]);
    assert_eq!((done.comp_status(), done.rx_byte_count.get()), (CompletionStatus::DATA_UNDERRUN, 8));
    assert_eq!(san.memory.get(0x200, 8), [2, 0, 0, 0, 1, 2, 3, 4]);
}
