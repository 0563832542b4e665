//! Every link service that a port answers, asked by a bare peer.

use crate::rig::*;
use fc::{Arrival, Fc4};
use wire::fc::els::{
    Adisc, Command, ExchangeId, FcpParams, Login, Logo, LsRjt, NvmeParams, Page, PageResponse, Pages, Reject, RlsAcc,
    RtvAcc, ThirdPartyPage, write_pages,
};
use wire::fc::{PortId, Type, Wwn};

/// Us and them: the bare peer has the larger name and gives the addresses.
pub const US: u32 = 2;
pub const THEM: u32 = 1;

/// A target and a bare peer that answers its FLOGI.
pub fn met(services: &[(Fc4, usize)]) -> (Station, Bare, Clock) {
    let [near, far] = link();
    let mut target = Station::target(1, near, services);
    let mut peer = Bare::new(far);
    peer.flogi = Some(names(9));
    let mut clock = Clock(1);
    clock.settle(&mut [&mut target, &mut peer]);
    (target, peer, clock)
}

pub fn plogi(n: u64) -> [u8; 116] {
    Login::n_port(Command::PLOGI, names(n).port, names(n).node, 2048).to_bytes()
}

pub fn pages(command: Command, pages: &[Page]) -> Vec<u8> {
    let mut payload = vec![0; 200];
    let len = write_pages(&mut payload, command, pages).unwrap();
    payload.truncate(len);
    payload
}

pub fn fcp_initiator() -> Page {
    Page::fcp(FcpParams(0).with_initiator(true).with_read_xfer_rdy_disabled(true))
}

pub fn nvme_initiator() -> Page {
    Page::nvme(NvmeParams(0).with_initiator(true), 0)
}

/// Asks and waits for the answer.
pub fn ask(target: &mut Station, peer: &mut Bare, clock: &mut Clock, payload: &[u8]) -> Vec<u8> {
    ask_from(THEM, target, peer, clock, payload)
}

pub fn ask_from(from: u32, target: &mut Station, peer: &mut Bare, clock: &mut Clock, payload: &[u8]) -> Vec<u8> {
    clock.0 += MS;
    peer.els(from, US, payload, clock.0, clock.0);
    clock.settle(&mut [target, peer]);
    peer.reply(clock.0).unwrap_or_default()
}

pub fn logged_in(services: &[(Fc4, usize)]) -> (Station, Bare, Clock) {
    let (mut target, mut peer, mut clock) = met(services);
    let answer = ask(&mut target, &mut peer, &mut clock, &plogi(9));
    assert_eq!(answer[0], Command::LS_ACC.0);
    (target, peer, clock)
}

fn reject(answer: &[u8]) -> Reject {
    wire::parse::<LsRjt>(answer).filter(|rjt| rjt.command == Command::LS_RJT).expect("LS_RJT").reject()
}

#[test]
fn what_needs_a_login_is_rejected_without_one() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    let stranger = 0x010203;
    let needs: [Vec<u8>; 7] = [
        pages(Command::PRLI, &[fcp_initiator()]),
        pages(Command::PRLO, &[Page::logout(Type::FCP)]),
        pages(Command::TPRLO, &[Page::logout(Type::FCP)]),
        Adisc::new(Command::ADISC, Wwn(1), Wwn(2), PortId(stranger)).to_bytes().to_vec(),
        Login::n_port(Command::PDISC, Wwn(1), Wwn(2), 2048).to_bytes().to_vec(),
        ExchangeId::new(Command::REC, PortId(stranger), 1, 1).to_bytes().to_vec(),
        ExchangeId::new(Command::RRQ, PortId(stranger), 1, 1).to_bytes().to_vec(),
    ];
    for payload in needs {
        let answer = ask_from(stranger, &mut target, &mut peer, &mut clock, &payload);
        assert_eq!(reject(&answer), Reject::LOGIN_REQUIRED, "{:#x}", payload[0]);
    }
}

#[test]
fn what_nobody_knows_is_unsupported() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    for command in [Command::FDISC, Command::SCR, Command::RNID, Command::LIRR, Command(0xee)] {
        let mut payload = [0; 116];
        payload[0] = command.0;
        assert_eq!(reject(&ask(&mut target, &mut peer, &mut clock, &payload)), Reject::UNSUPPORTED, "{command}");
    }
    assert_eq!(reject(&ask(&mut target, &mut peer, &mut clock, &[Command::PRLI.0, 16])), Reject::INVALID_LENGTH);
}

#[test]
fn services_that_anyone_may_ask() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    let answer = ask(&mut target, &mut peer, &mut clock, &[Command::ECHO.0, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(answer, [2, 0, 0, 0, 1, 2, 3, 4]);
    let answer = ask(&mut target, &mut peer, &mut clock, &[Command::RTV.0, 0, 0, 0]);
    assert_eq!(wire::parse::<RtvAcc>(&answer).unwrap().e_d_tov_ms(), 2000);
    let answer = ask(&mut target, &mut peer, &mut clock, &[Command::RLS.0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(wire::parse::<RlsAcc>(&answer).unwrap().errors.link_failures.get(), 0);
    let rscn = [Command::RSCN.0, 4, 0, 8, 0, 0, 0, THEM as u8];
    assert_eq!(ask(&mut target, &mut peer, &mut clock, &rscn), [2, 0, 0, 0]);
    // TEST has no answer.
    peer.els(THEM, US, &[Command::TEST.0, 0, 0, 0], 1, clock.0);
    clock.settle(&mut [&mut target, &mut peer]);
    assert!(peer.reply(1).is_none());
}

#[test]
fn adisc_and_pdisc_say_who_we_are() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    let (ours, theirs) = (names(1), names(9));
    let adisc = Adisc::new(Command::ADISC, theirs.port, theirs.node, PortId(THEM));
    let answer = ask(&mut target, &mut peer, &mut clock, &adisc.to_bytes());
    let back: &Adisc = wire::parse(&answer).unwrap();
    assert_eq!((back.command, back.port_name(), back.port_id()), (Command::LS_ACC, ours.port, PortId(US)));
    let pdisc = Login::n_port(Command::PDISC, theirs.port, theirs.node, 2048);
    let answer = ask(&mut target, &mut peer, &mut clock, &pdisc.to_bytes());
    assert_eq!(wire::parse::<Login>(&answer).unwrap().port_name(), ours.port);
    // Another name at that address: who that is has to log in.
    let other = Adisc::new(Command::ADISC, names(8).port, names(8).node, PortId(THEM));
    assert_eq!(reject(&ask(&mut target, &mut peer, &mut clock, &other.to_bytes())), Reject::LOGIN_REQUIRED);
    let answer = ask(&mut target, &mut peer, &mut clock, &adisc.to_bytes());
    assert_eq!(reject(&answer), Reject::LOGIN_REQUIRED, "that ended the login");
}

#[test]
fn prli_is_answered_for_each_protocol_and_in_its_page_length() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1), (Fc4::Nvme, 1)]);
    let answer = ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
    let page = Pages::parse(&answer).unwrap().next().unwrap();
    assert_eq!(page.response(), PageResponse::EXECUTED);
    assert!(page.fcp_params().target() && !page.fcp_params().initiator() && page.fcp_params().read_xfer_rdy_disabled());
    for page in [nvme_initiator(), Page { word4: None, ..nvme_initiator() }] {
        let answer = ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[page]));
        let found = Pages::parse(&answer).unwrap();
        assert_eq!(found.page_bytes(), if page.word4.is_some() { 20 } else { 16 });
        let back = found.clone().next().unwrap();
        assert!(back.nvme_params().target() && back.nvme_params().discovery() && !back.nvme_params().first_burst());
        assert_eq!(back.word4, page.word4.map(|_| 0));
    }
    let ups = target.heard().into_iter().filter(|(_, arrival)| matches!(arrival, Arrival::SessionUp(_))).count();
    assert_eq!(ups, 3, "FCP, NVMe, and NVMe anew");
}

#[test]
fn prli_of_several_pages_and_of_types_that_are_not_here() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    let nvme = pages(Command::PRLI, &[nvme_initiator()]);
    assert_eq!(reject(&ask(&mut target, &mut peer, &mut clock, &nvme)).reason, wire::fc::els::Reason::UNABLE);
    let both = pages(Command::PRLI, &[nvme_initiator(), fcp_initiator()]);
    let answer = ask(&mut target, &mut peer, &mut clock, &both);
    let responses: Vec<_> = Pages::parse(&answer).unwrap().map(|page| page.response()).collect();
    assert_eq!(responses, [PageResponse::INVALID_PAGE, PageResponse::EXECUTED]);
    assert!(matches!(target.heard()[..], [(0, Arrival::SessionUp(info))] if info.fc4 == Fc4::Fcp));
}

#[test]
fn prlo_tprlo_and_logo_end_sessions() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1), (Fc4::Nvme, 1)]);
    let both = pages(Command::PRLI, &[nvme_initiator(), fcp_initiator()]);
    let log_in = |target: &mut Station, peer: &mut Bare, clock: &mut Clock| {
        ask(target, peer, clock, &both);
        assert_eq!(target.heard().len(), 2);
    };
    log_in(&mut target, &mut peer, &mut clock);
    let prlo = pages(Command::PRLO, &[Page::logout(Type::FCP)]);
    let answer = ask(&mut target, &mut peer, &mut clock, &prlo);
    assert_eq!(Pages::parse(&answer).unwrap().next().unwrap().response(), PageResponse::EXECUTED);
    assert!(matches!(target.heard()[..], [(0, Arrival::SessionDown { .. })]), "FCP only");
    let answer = ask(&mut target, &mut peer, &mut clock, &prlo);
    assert_eq!(Pages::parse(&answer).unwrap().next().unwrap().response(), PageResponse::UNKNOWN_ASSOCIATOR);
    let mut page = Page::logout(Type::NVME);
    page.flags = page.flags.with_global(true);
    assert!(ThirdPartyPage::of(&page).global());
    ask(&mut target, &mut peer, &mut clock, &pages(Command::TPRLO, &[page]));
    assert!(matches!(target.heard()[..], [(1, Arrival::SessionDown { .. })]), "NVMe");
    ask(&mut target, &mut peer, &mut clock, &both);
    target.heard();
    let logo = Logo::new(PortId(THEM), names(9).port).to_bytes();
    assert_eq!(ask(&mut target, &mut peer, &mut clock, &logo), [2, 0, 0, 0]);
    assert_eq!(target.heard().len(), 2, "both");
    let answer = ask(&mut target, &mut peer, &mut clock, &both);
    assert_eq!(reject(&answer), Reject::LOGIN_REQUIRED);
}

#[test]
fn rec_and_rrq_know_the_exchanges() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
    let unknown = ExchangeId::new(Command::REC, PortId(THEM), 0x4242, 0xffff).to_bytes();
    assert_eq!(reject(&ask(&mut target, &mut peer, &mut clock, &unknown)), Reject::INVALID_XID);
    let unknown = ExchangeId::new(Command::RRQ, PortId(THEM), 0x4242, 0xffff).to_bytes();
    assert_eq!(reject(&ask(&mut target, &mut peer, &mut clock, &unknown)), Reject::INVALID_XID);
    let xid = peer.command(THEM, US, Fc4::Fcp, &[0; 32], 5, clock.0);
    clock.settle(&mut [&mut target, &mut peer]);
    // The identifier on the wire: the place, and above it as much of its use as there is room for.
    let ox_id = (xid.0.turn() << 12) as u16 | xid.0.index() as u16;
    let rec = ExchangeId::new(Command::REC, PortId(THEM), ox_id, 0xffff).to_bytes();
    let answer = ask(&mut target, &mut peer, &mut clock, &rec);
    assert_eq!((answer[0], answer.len()), (Command::LS_ACC.0, 24));
}

#[test]
fn a_command_of_a_stranger_gets_logo_and_of_a_half_stranger_prlo() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    for _ in 0..5 {
        peer.command(0x010203, US, Fc4::Fcp, &[0; 32], 5, clock.0);
        peer.command(THEM, US, Fc4::Fcp, &[0; 32], 5, clock.0);
    }
    clock.settle(&mut [&mut target, &mut peer]);
    assert_eq!((peer.asked(Command::LOGO), peer.asked(Command::PRLO)), (1, 1), "not one for each command");
    assert!(target.heard().is_empty());
    clock.run(1_500, &mut [&mut target, &mut peer]);
    peer.command(0x010203, US, Fc4::Fcp, &[0; 32], 5, clock.0);
    clock.settle(&mut [&mut target, &mut peer]);
    assert_eq!(peer.asked(Command::LOGO), 2, "after a while again");
}

#[test]
fn plogi_of_bad_content_is_rejected() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    let mut no_class = Login::n_port(Command::PLOGI, names(8).port, names(8).node, 2048);
    no_class.classes[2].flags = 0.into();
    for login in [plogi(1), no_class.to_bytes(), Login::n_port(Command::PLOGI, Wwn(0), Wwn(0), 2048).to_bytes()] {
        let answer = ask_from(0x010203, &mut target, &mut peer, &mut clock, &login);
        assert_eq!(answer[0], Command::LS_RJT.0);
    }
}
