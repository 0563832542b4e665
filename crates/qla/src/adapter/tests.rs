//! The order of things, rule by rule, against a chip that is played by hand: what is acknowledged when, and what is a session.

use super::*;
use crate::chip::fake::Fake;
use dma::{Backing, Options};
use fc::{Arrival, Fc4, Port, PortState, Queue, Service};
use wire::IntoBytes;
use wire::fc::PortId;
use wire::fc::els::Command;
use wire::isp::iocb::{
    AbtsReceived, AbtsResponse, Atio7, CtPassThrough, Ctio7, Entry, EntryHeader, EntryType, ImmediateNotify, LeId,
    LoginLogout, NOTIFY_ACK_SUCCESS, NotifyAck, NotifyStatus, ReportId, ReportIdStatus,
};

const MS: u64 = 1_000_000;
const US: PortId = PortId(0x010200);
const PEER: PortId = PortId(0x010300);
const PEER_NAME: u64 = 0x2100_0024_ff00_0001;

struct Hand {
    fake: Fake,
    adapter: Adapter,
    port: Arc<QlaPort>,
    queue: Box<dyn Queue>,
    now: Tick,
}

fn nobody() -> Wake {
    Arc::new(|| {})
}

/// An adapter that is initialized, with FCP on one queue without a pair.
fn started() -> Hand {
    let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
    let fake = Fake::new(&arena);
    let settings = Settings { queue_pairs: 0, firmware_file: Some("/nonexistent".into()), ..Settings::default() };
    let (adapter, port) = Adapter::new(Box::new(fake.clone()), settings, &arena, nobody()).unwrap();
    let service = Service { fc4: Fc4::Fcp, discovery: false };
    let queue = port.attach(service, vec![nobody()]).unwrap().remove(0);
    let mut hand = Hand { fake, adapter, port, queue, now: 1 };
    hand.pass(200);
    assert!(hand.adapter.stage.is_initialized());
    hand
}

/// The same, with a direct cable: online as soon as there is an address.
fn online() -> Hand {
    let mut hand = started();
    hand.report(0x4, US);
    assert_eq!(hand.port.shown().state, PortState::Online);
    hand
}

impl Hand {
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            self.adapter.poll(self.now);
        }
    }

    fn turn(&mut self) -> Vec<Entry> {
        self.now += 10_000;
        self.adapter.poll(self.now);
        self.fake.state().requests()
    }

    fn report(&mut self, topology: u8, id: PortId) {
        let mut report = ReportId::new();
        report.status = ReportIdStatus::COMPLETE;
        (report.format, report.flags, report.port_id) = (1, topology, LeId::new(id));
        self.fake.state().atio(report.entry());
        self.now += 10_000;
        self.adapter.poll(self.now);
    }

    fn notify(&mut self, els: Command, exchange: u32) -> Vec<Entry> {
        self.notify_with(els, exchange, |_| {})
    }

    fn notify_with(&mut self, els: Command, exchange: u32, change: impl Fn(&mut ImmediateNotify)) -> Vec<Entry> {
        let mut notify = ImmediateNotify::new();
        notify.status.set(NotifyStatus::ELS.0);
        notify.status_subcode = els;
        notify.nport_handle.set(5);
        notify.exchange_address.set(exchange);
        notify.port_id = LeId::new(PEER);
        if els == Command::PRLI {
            notify = notify.with_prli(0x22, 8);
        }
        notify.port_name = PEER_NAME.to_be_bytes();
        change(&mut notify);
        self.fake.state().atio(notify.entry());
        self.turn()
    }

    /// Completes an acknowledgement.
    fn done(&mut self, ack: &Entry) {
        self.done_with(ack, NOTIFY_ACK_SUCCESS);
    }

    fn done_with(&mut self, ack: &Entry, status: u16) {
        let mut done = *NotifyAck::of(ack);
        assert_eq!(done.header.entry_type, EntryType::NOTIFY_ACK);
        done.status.set(status);
        self.fake.state().respond(done.entry());
    }

    fn log_in(&mut self) {
        let ack = self.notify(Command::PLOGI, 1);
        self.done(&ack[0]);
        let ack = self.notify(Command::PRLI, 2);
        self.done(&ack[0]);
        self.turn();
        assert!(matches!(self.next(), Some(Arrival::SessionUp(_))));
    }

    fn next(&mut self) -> Option<Arrival> {
        self.queue.next(self.now)
    }

    fn command(&mut self, exchange: u32) {
        self.fake.state().atio(&command(PEER, exchange));
    }

    fn sessions(&self) -> usize {
        self.adapter.peers.logins().count()
    }
}

fn command(from: PortId, exchange: u32) -> Entry {
    let mut entry = [0; 64];
    entry[..4].copy_from_slice(&[6, 1, 56, 0]);
    entry[4..8].copy_from_slice(&exchange.to_le_bytes());
    entry[8] = 6;
    entry[9..12].copy_from_slice(&US.to_bytes());
    entry[13..16].copy_from_slice(&from.to_bytes());
    entry[16] = 8;
    entry[24..26].copy_from_slice(&[0x12, 0x34]);
    assert_eq!(Atio7::of(&entry).exchange_address.get(), exchange);
    entry
}

fn types(entries: &[Entry]) -> Vec<EntryType> {
    entries.iter().map(|entry| EntryHeader::of(entry).entry_type).collect()
}

#[test]
fn the_control_block_is_that_of_the_specification() {
    let hand = started();
    let icb = hand.fake.state().icb.unwrap();
    let options = [icb.options_1.get(), icb.options_2.get(), icb.options_3.get()];
    assert_eq!(options, [0x4036, 0x64c0_4010, 0x4101]);
    assert_eq!((icb.execution_throttle.get(), icb.exchange_count.get(), icb.qos.get()), (2048, 0xffff, 5));
    assert_eq!(icb.port_name, [0x21, 0, 0, 0x24, 0xff, 1, 2, 3]);
    assert_eq!(icb.as_bytes()[78..80], 4096u16.to_le_bytes());
}

#[test]
fn a_session_is_there_when_the_acknowledgement_of_prli_is_completed() {
    let mut hand = online();
    let plogi = hand.notify(Command::PLOGI, 1);
    assert_eq!(types(&plogi), [EntryType::NOTIFY_ACK]);
    assert_eq!(NotifyAck::of(&plogi[0]).exchange_address.get(), 1);
    hand.done(&plogi[0]);
    let prli = hand.notify(Command::PRLI, 2);
    assert_eq!((types(&prli), hand.sessions()), (vec![EntryType::NOTIFY_ACK], 0));
    assert!(hand.next().is_none());
    hand.done(&prli[0]);
    assert!(hand.turn().is_empty());
    assert_eq!(hand.sessions(), 1);
    let Some(Arrival::SessionUp(info)) = hand.next() else { panic!("no session") };
    assert_eq!((info.peer.port.0, info.peer_id, info.parameters), (PEER_NAME, PEER, 0x22));
}

#[test]
fn an_acknowledgement_that_fails_makes_no_session() {
    let mut hand = online();
    let plogi = hand.notify(Command::PLOGI, 1);
    hand.done(&plogi[0]);
    let prli = hand.notify(Command::PRLI, 2);
    hand.done_with(&prli[0], 8);
    hand.turn();
    assert_eq!(hand.sessions(), 0);
    // Nor one of a login that has been overtaken by another.
    let prli = hand.notify(Command::PRLI, 3);
    let plogi = hand.notify(Command::PLOGI, 4);
    assert_eq!(types(&plogi), [EntryType::LOGIN_LOGOUT], "the old login is forgotten first");
    hand.done(&prli[0]);
    hand.turn();
    assert_eq!(hand.sessions(), 0);
}

#[test]
fn a_command_that_is_quicker_than_the_completion_waits_for_it() {
    let mut hand = online();
    let plogi = hand.notify(Command::PLOGI, 1);
    hand.done(&plogi[0]);
    let prli = hand.notify(Command::PRLI, 2);
    hand.command(0x77);
    assert!(hand.turn().is_empty());
    hand.command(0x78);
    assert!(hand.turn().is_empty());
    hand.done(&prli[0]);
    hand.turn();
    assert!(matches!(hand.next(), Some(Arrival::SessionUp(_))));
    assert!(matches!(hand.next(), Some(Arrival::Command { .. })));
    assert!(matches!(hand.next(), Some(Arrival::Command { .. })));
    assert!(hand.next().is_none());
}

#[test]
fn commands_of_nobody_are_ended() {
    let mut hand = online();
    hand.fake.state().atio(&command(PortId(0x010999), 0x55));
    let ended = hand.turn();
    assert_eq!(types(&ended), [EntryType::CTIO_7]);
    let ended = Ctio7::of(&ended[0]);
    assert!(ended.flags().terminate());
    assert_eq!((ended.exchange_address.get(), ended.nport_handle.get(), ended.ox_id.get()), (0x55, 0xffff, 0x1234));
}

#[test]
fn a_login_without_a_name_or_for_nothing_is_refused() {
    let mut hand = online();
    let refused = hand.notify_with(Command::PLOGI, 1, |notify| notify.port_name = [0; 8]);
    assert!(NotifyAck::of(&refused[0]).flags().terminate());
    let refused = hand.notify(Command::PRLI, 2);
    assert!(NotifyAck::of(&refused[0]).flags().terminate(), "no PLOGI before it");
    let plogi = hand.notify(Command::PLOGI, 3);
    assert!(!NotifyAck::of(&plogi[0]).flags().terminate());
    hand.done(&plogi[0]);
    for type_ in [0x28, 0x20] {
        let refused = hand.notify_with(Command::PRLI, 4, |notify| *notify = notify.with_prli(0x20, type_));
        assert!(NotifyAck::of(&refused[0]).flags().terminate(), "{type_:#x} is not served");
    }
    for well_known in [PortId::DIRECTORY, PortId::FABRIC_CONTROLLER] {
        let taken = hand.notify_with(Command::PLOGI, 5, |notify| notify.port_id = LeId::new(well_known));
        assert!(!NotifyAck::of(&taken[0]).flags().terminate());
    }
}

#[test]
fn a_new_login_waits_until_nothing_of_the_old_one_is_at_the_chip() {
    let mut hand = online();
    hand.log_in();
    hand.command(0x77);
    hand.turn();
    let Some(Arrival::Command { xid, .. }) = hand.next() else { panic!("no command") };
    // A response is at the chip.
    hand.queue.respond(xid, good());
    hand.queue.flush();
    let sent = hand.turn();
    assert_eq!(types(&sent), [EntryType::CTIO_7]);
    let nothing = hand.notify(Command::PLOGI, 9);
    hand.next();
    hand.queue.flush();
    let more = hand.turn();
    let acks = types(&nothing).into_iter().chain(types(&more)).filter(|t| *t != EntryType::CTIO_7).count();
    assert_eq!(acks, 0, "neither acknowledged nor forgotten yet");
    // It comes back, and so does what was sent to end it.
    let ends: Vec<Entry> = nothing.iter().chain(&more).copied().collect();
    for ctio in sent.iter().chain(&ends) {
        let mut done = *ctio;
        done[8..10].copy_from_slice(&[0x29, 0]);
        hand.fake.state().respond(&done);
    }
    let mut after = Vec::new();
    for _ in 0..8 {
        after.extend(hand.turn());
        while hand.next().is_some() {}
        hand.queue.flush();
    }
    assert_eq!(types(&after), [EntryType::LOGIN_LOGOUT]);
    let forget = LoginLogout::of(&after[0]);
    assert_eq!((forget.control_flags.get(), forget.nport_handle.get()), (0x0018, 5), "the handle is kept");
    hand.fake.state().respond(&after[0]);
    let ack = hand.turn();
    assert_eq!((types(&ack), NotifyAck::of(&ack[0]).exchange_address.get()), (vec![EntryType::NOTIFY_ACK], 9));
}

fn good() -> fc::Response {
    fc::Response::Fcp(fc::FcpResponse {
        status: 0,
        qualifier: 0,
        residual: fc::Residual::None,
        code: None,
        sense: [0; fc::SENSE_BYTES],
        sense_len: 0,
    })
}

#[test]
fn a_name_with_another_address_frees_the_old_handle() {
    let mut hand = online();
    hand.log_in();
    let sent = hand.notify_with(Command::PLOGI, 9, |notify| {
        notify.port_id = LeId::new(PortId(0x010400));
        notify.nport_handle.set(6);
    });
    assert!(sent.is_empty());
    let mut sent = Vec::new();
    for _ in 0..4 {
        while hand.next().is_some() {}
        hand.queue.flush();
        sent.extend(hand.turn());
    }
    let forget = LoginLogout::of(&sent[0]);
    assert_eq!((types(&sent), forget.control_flags.get()), (vec![EntryType::LOGIN_LOGOUT], 0x0098));
    assert_eq!((forget.nport_handle.get(), forget.port_id.port_id(), hand.sessions()), (5, PEER, 0));
}

#[test]
fn every_notify_is_acknowledged_once() {
    let mut hand = online();
    hand.log_in();
    let statuses = [0x0e, 0x0f, 0x16, 0x20, 0x29, 0x2a, 0x2d, 0x2e, 0x34, 0x36, 0x45, 0x99];
    for (status, exchange) in statuses.into_iter().zip(100..) {
        let mut sent = hand.notify_with(Command(0), exchange, |notify| notify.status.set(status));
        for _ in 0..4 {
            while hand.next().is_some() {}
            hand.queue.flush();
            sent.extend(hand.turn());
        }
        assert_eq!(types(&sent), [EntryType::NOTIFY_ACK], "{status:#x}");
        assert_eq!(NotifyAck::of(&sent[0]).exchange_address.get(), exchange);
        hand.done(&sent[0]);
    }
    for els in [Command::ADISC, Command::PDISC, Command::LOGO, Command::PRLO, Command::TPRLO, Command::FLOGI] {
        let sent = hand.notify(els, 200);
        assert_eq!(types(&sent), [EntryType::NOTIFY_ACK], "{els}");
        hand.done(&sent[0]);
    }
    assert_eq!(hand.sessions(), 0);
    assert!(hand.turn().is_empty());
}

fn abts(exchange: u32) -> AbtsReceived {
    let mut abts = AbtsReceived::new();
    abts.frame.s_id = LeId::new(PEER);
    abts.frame.d_id = LeId::new(US);
    abts.frame.ox_id.set(0x1234);
    abts.exchange_address.set(0x99);
    abts.exchange_to_abort.set(exchange);
    abts
}

#[test]
fn aborts_of_what_nobody_has_are_rejected() {
    let mut hand = online();
    hand.fake.state().atio(abts(0x77).entry());
    let sent = hand.turn();
    assert_eq!(AbtsResponse::of(&sent[0]).ba_rjt().map(|reject| reject.reason), Some(9), "no session");
    hand.log_in();
    for exchange in [u32::MAX, 0x77] {
        hand.fake.state().atio(abts(exchange).entry());
        let mut sent = hand.turn();
        while hand.next().is_some() {}
        hand.queue.flush();
        sent.extend(hand.turn());
        assert_eq!(types(&sent), [EntryType::ABTS_RESPONSE], "{exchange:#x}");
        assert!(AbtsResponse::of(&sent[0]).ba_rjt().is_some());
    }
}

#[test]
fn an_abort_is_accepted_when_the_command_is_over_and_again_if_the_chip_wants_that() {
    let mut hand = online();
    hand.log_in();
    hand.command(0x77);
    hand.turn();
    let Some(Arrival::Command { xid, .. }) = hand.next() else { panic!("no command") };
    hand.fake.state().atio(abts(0x77).entry());
    assert!(hand.turn().is_empty());
    assert!(matches!(hand.next(), Some(Arrival::Abort { xid: of }) if of == xid));
    hand.queue.terminate(xid);
    hand.queue.flush();
    let ended = hand.turn();
    assert_eq!(types(&ended), [EntryType::CTIO_7]);
    let mut done = ended[0];
    done[8..10].copy_from_slice(&[1, 0]);
    hand.fake.state().respond(&done);
    hand.turn();
    while hand.next().is_some() {}
    hand.queue.flush();
    let accept = hand.turn();
    let accept = AbtsResponse::of(&accept[0]);
    assert!(accept.ba_rjt().is_none() && !accept.control().terminate());
    assert_eq!((accept.exchange_address.get(), accept.exchange_to_abort.get()), (0x99, 0x77));
    hand.fake.state().respond(accept.not_terminated().entry());
    let again = hand.turn();
    let again = AbtsResponse::of(&again[0]);
    assert!(again.control().terminate() && again.ba_rjt().is_none());
    hand.fake.state().respond(again.not_terminated().entry());
    assert!(hand.turn().is_empty(), "not for ever");
}

#[test]
fn an_address_that_is_refused_says_why() {
    let mut hand = started();
    let mut report = ReportId::new();
    (report.status, report.format, report.ls_rjt_reason) = (ReportIdStatus::FAILED, 1, 9);
    hand.fake.state().atio(report.entry());
    hand.turn();
    let shown = hand.port.shown();
    assert_eq!(shown.state, PortState::Refused);
    assert!(shown.reason.unwrap().contains("reject 09/00"));
    // A loop is refused, too; a fabric is taken.
    hand.report(0x2, US);
    assert!(hand.port.shown().reason.unwrap().contains("loop"));
    hand.report(0x6, US);
    assert_eq!(hand.port.shown().state, PortState::LoggingIn);
}

#[test]
fn the_name_server_is_asked_again_after_a_while() {
    let mut hand = started();
    hand.report(0x6, US);
    // The chip does command 54h by doing nothing: the entry comes back as it was, which is success.
    hand.pass(3);
    let ct = hand.turn();
    let ct: Vec<Entry> = ct.into_iter().chain(hand.fake.state().requests()).collect();
    assert_eq!(types(&ct), [EntryType::CT_PASS_THROUGH]);
    assert_eq!(CtPassThrough::of(&ct[0]).nport_handle.get(), 0x7fc);
    hand.fake.state().respond(CtPassThrough::of(&ct[0]).completed(wire::isp::iocb::CompletionStatus::TIMEOUT).entry());
    hand.turn();
    assert!(hand.port.shown().reason.unwrap().contains("not answered (TIMEOUT)"));
    hand.pass(300);
    let again = hand.fake.state().requests();
    assert_eq!((types(&again), &again[0][8..]), (vec![EntryType::CT_PASS_THROUGH], &ct[0][8..]), "the same once more");
}

#[test]
fn entries_that_nobody_waits_for_are_counted() {
    let mut hand = online();
    for entry_type in 0..=255u8 {
        for handle in [0, 1, 0x0fff_ffff, 0x2001_0000, 0x2000_0000, u32::MAX] {
            let mut entry = [0; 64];
            (entry[0], entry[1]) = (entry_type, 1);
            entry[4..8].copy_from_slice(&u32::to_le_bytes(handle));
            hand.fake.state().respond(&entry);
        }
        hand.turn();
        hand.fake.state().atio(&[entry_type; 64]);
        hand.turn();
    }
    assert!(hand.adapter.counters.strays > 100);
    assert_eq!(hand.adapter.counters.resets, 0);
}

#[test]
fn an_adapter_that_is_dropped_leaves_a_chip_in_reset() {
    let hand = online();
    let (fake, before) = (hand.fake.clone(), hand.fake.state().resets);
    drop(hand);
    assert_eq!(fake.state().resets, before + 1);
}

#[test]
fn a_link_that_goes_takes_all_logins_with_it() {
    let mut hand = online();
    hand.log_in();
    hand.now += 2 * MS;
    hand.fake.state().event([0x8012, 0, 0, 0, 0, 0, 0, 0]);
    hand.turn();
    assert_eq!((hand.sessions(), hand.adapter.peers.iter().count()), (0, 0));
    assert!(matches!(hand.next(), Some(Arrival::SessionDown { .. })));
    let shown = hand.port.shown();
    assert_eq!((shown.state, shown.port_id, shown.sessions.len()), (PortState::LinkDown, 0, 0));
    // It comes back, with an address that commands are found by.
    hand.now += 2 * MS;
    hand.fake.state().event([0x8011, 6, 0, 0, 0, 0, 0, 0]);
    hand.turn();
    assert_eq!(hand.port.shown().state, PortState::LoggingIn);
    hand.report(0x4, US);
    while hand.next().is_some() {}
    hand.log_in();
    hand.command(0x12);
    hand.turn();
    assert!(matches!(hand.next(), Some(Arrival::Command { .. })));
}

/// Numbers by chance, the same ones for each seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// An entry that is no better than its sender: of a known type, or of none; fields by chance, or as they were.
fn lie(dice: &mut Dice, seen: &[Entry]) -> Entry {
    let types = [
        3, 6, 0xd, 0xe, 0x10, 0x12, 0x29, 0x30, 0x31, 0x32, 0x33, 0x39, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x82, 0x89,
    ];
    let mut entry = match (dice.roll(3), seen.is_empty()) {
        (0, false) => seen[dice.roll(seen.len() as u64) as usize],
        _ => std::array::from_fn(|_| if dice.roll(3) == 0 { dice.roll(256) as u8 } else { 0 }),
    };
    if dice.roll(4) > 0 {
        entry[0] = types[dice.roll(types.len() as u64) as usize];
    }
    entry[1] = dice.roll(4) as u8;
    for _ in 0..dice.roll(5) {
        entry[dice.roll(64) as usize] = dice.roll(256) as u8;
    }
    // Addresses that mean somebody.
    if dice.roll(2) == 0 {
        entry[56..59].copy_from_slice(&LeId::new(PEER).0);
        (entry[16], entry[17]) = (0x46, 0);
        entry[18] = [3, 0x20, 5, 0x21, 0x24, 0x52][dice.roll(6) as usize];
    }
    entry
}

#[test]
fn a_chip_that_lies_breaks_nothing() {
    for seed in 0..48 {
        let mut dice = Dice(seed);
        let mut hand = online();
        hand.log_in();
        let mut seen: Vec<Entry> = Vec::new();
        for _ in 0..300 {
            match dice.roll(10) {
                0..=3 => hand.fake.state().respond(&lie(&mut dice, &seen)),
                4..=7 => hand.fake.state().atio(&lie(&mut dice, &seen)),
                8 => {
                    let words = std::array::from_fn(|n| {
                        if n == 0 { 0x8000 + dice.roll(80) as u16 } else { dice.roll(1 << 16) as u16 }
                    });
                    let mut state = hand.fake.state();
                    if state.status == 0 {
                        state.event(words);
                    }
                }
                _ => hand.now += dice.roll(50) * MS,
            }
            hand.now += 10_000;
            hand.adapter.poll(hand.now);
            if hand.adapter.stage.is_initialized() {
                seen.extend(hand.fake.state().requests());
            }
            while hand.next().is_some() {}
            hand.queue.flush();
            let keep = seen.len().saturating_sub(16);
            seen.drain(..keep);
        }
        // An honest chip from here on: it comes up again and serves.
        hand.port.reset().unwrap();
        for _ in 0..40_000 {
            hand.pass(1);
            while hand.next().is_some() {}
            hand.queue.flush();
            if hand.adapter.stage.is_initialized() && hand.adapter.last_fault == Some(Fault::Asked) {
                break;
            }
        }
        hand.report(0x4, US);
        assert_eq!(hand.port.shown().state, PortState::Online, "seed {seed}: {:?}", hand.port.adapter());
        assert_eq!(hand.sessions(), 0, "seed {seed}");
        hand.log_in();
    }
}

#[test]
fn a_chip_is_not_started_before_each_lane_is_quiet() {
    let mut hand = online();
    hand.log_in();
    let executions = |hand: &Hand| hand.fake.state().commands.iter().filter(|command| **command == 2).count();
    assert_eq!(executions(&hand), 1);
    hand.port.reset().unwrap();
    // The queue's core looks at nothing.
    hand.pass(500);
    assert_eq!((executions(&hand), hand.fake.state().resets), (1, 2), "in reset, and no farther");
    assert!(hand.port.adapter().reason.unwrap().contains("waiting for a core"));
    while hand.next().is_some() {}
    hand.queue.flush();
    hand.pass(200);
    assert_eq!((executions(&hand), hand.fake.state().resets), (2, 2));
    assert!(hand.adapter.stage.is_initialized());
}
