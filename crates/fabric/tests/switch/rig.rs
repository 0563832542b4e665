//! A switch, and hosts of which a test says each frame.

use fabric::{Config, Switch};
use fc::{Frame, FrameBox, Frames, Link, LinkEvent, RingLink, ring_links};
use std::sync::Arc;
use wire::fc::ct::{self, CtReply, Fc4Types, FeatureBits, Request};
use wire::fc::els::{Command, Login, Rscn, RscnPage, Scr, ScrFunction};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

pub const MS: u64 = 1_000_000;

/// The fabric of all tests.
pub fn switch() -> Switch {
    let config = Config { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
    Switch::new(config, Frames::new(4096))
}

pub struct Rig {
    pub switch: Switch,
    pub now: u64,
}

pub struct Host {
    pub link: RingLink,
    pub f_port: u16,
    pub name: Wwn,
    pub id: PortId,
    pub next_ox_id: u16,
}

impl Rig {
    pub fn new() -> Self {
        Self { switch: switch(), now: 1 }
    }

    /// A host whose cable is plugged in.
    pub fn plug(&mut self, name: u64, ring: usize) -> Host {
        let [far, near] = ring_links(ring, [Arc::new(|| {}), Arc::new(|| {})]);
        let f_port = self.switch.attach(Box::new(far)).unwrap();
        let mut host = Host { link: near, f_port, name: Wwn(name), id: PortId::NONE, next_ox_id: 1 };
        assert!(matches!(host.link.event(self.now), Some(LinkEvent::Up(_))));
        self.switch.poll(self.now);
        host
    }

    /// A host that is logged in.
    pub fn host(&mut self, name: u64) -> Host {
        let mut host = self.plug(name, 512);
        let id = self.flogi(&mut host).unwrap();
        host.id = id;
        host
    }

    /// A host that is logged in and registered for FC-4 FCP.
    pub fn registered(&mut self, name: u64) -> Host {
        let mut host = self.host(name);
        self.register(&mut host, Type::FCP, FeatureBits(0).with_target(true));
        host
    }

    pub fn register(&mut self, host: &mut Host, type_: Type, features: FeatureBits) {
        let id = host.id;
        self.ct(host, &Request::RftId(id, Fc4Types::NONE.with(type_))).unwrap();
        self.ct(host, &Request::RffId(id, features, type_)).unwrap();
    }

    pub fn turn(&mut self) {
        self.switch.poll(self.now);
    }

    pub fn pass(&mut self, ns: u64) {
        self.now += ns;
        self.turn();
    }

    pub fn flogi(&mut self, host: &mut Host) -> Result<PortId, [u8; 2]> {
        let login = Login::fabric(Command::FLOGI, host.name, Wwn(host.name.0 | 1 << 48), 2112, true);
        self.fabric_login(host, login)
    }

    pub fn fdisc(&mut self, host: &mut Host, name: u64) -> Result<PortId, [u8; 2]> {
        self.fabric_login(host, Login::fabric(Command::FDISC, Wwn(name), Wwn(2), 2112, true))
    }

    pub fn fabric_login(&mut self, host: &mut Host, login: Login) -> Result<PortId, [u8; 2]> {
        let reply = self.els_from(host, PortId::NONE, PortId::FABRIC, &login.to_bytes());
        let payload = reply.payload();
        match Command(payload[0]) {
            Command::LS_ACC => Ok(reply.header().d_id()),
            _ => Err([payload[5], payload[6]]),
        }
    }

    /// Sends an ELS request and takes the one answer.
    pub fn els(&mut self, host: &mut Host, to: PortId, payload: &[u8]) -> FrameBox {
        let id = host.id;
        self.els_from(host, id, to, payload)
    }

    pub fn els_from(&mut self, host: &mut Host, from: PortId, to: PortId, payload: &[u8]) -> FrameBox {
        let ox_id = host.send_els(from, to, payload);
        self.turn();
        let reply = host.receive().expect("an answer");
        let header = reply.header();
        assert_eq!((header.s_id(), header.ox_id(), header.r_ctl), (to, ox_id, RCtl::ELS_REPLY));
        assert!(header.f_ctl().exchange_responder() && header.f_ctl().end_sequence());
        reply
    }

    /// Asks the name server.
    pub fn ct(&mut self, host: &mut Host, request: &Request<'_>) -> Result<Vec<u8>, ct::Reject> {
        let mut payload = [0; Request::MAX_BYTES];
        let length = request.write(&mut payload, 0).unwrap();
        match ct::reply(&self.ct_raw(host, PortId::DIRECTORY, &payload[..length])) {
            CtReply::Accept { body, residual_words: 0 } => Ok(body.to_vec()),
            CtReply::Reject(reject) => Err(reject),
            other => panic!("{other:?}"),
        }
    }

    pub fn ct_raw(&mut self, host: &mut Host, to: PortId, payload: &[u8]) -> Vec<u8> {
        let header = FrameHeader::new(RCtl::UNSOLICITED_CONTROL, Type::CT, host.id, to)
            .with_exchange(host.ox_id(), 0xffff)
            .with_f_ctl(FCtl::REQUEST);
        host.link.send(Frame::new(&header, payload));
        self.turn();
        let mut whole = Vec::new();
        loop {
            let frame = host.receive().expect("an answer");
            assert_eq!(usize::from(frame.header().seq_cnt()), whole.len().div_ceil(2112));
            whole.extend_from_slice(frame.payload());
            if frame.header().f_ctl().end_sequence() {
                return whole;
            }
        }
    }

    pub fn scr(&mut self, host: &mut Host) {
        let reply = self.els(host, PortId::FABRIC_CONTROLLER, &Scr::new(ScrFunction::FULL).to_bytes());
        assert_eq!(reply.payload(), [2, 0, 0, 0]);
    }

    /// The pages of the RSCN that a host has got, which it accepts; none when there is none.
    pub fn rscn(&mut self, host: &mut Host) -> Vec<RscnPage> {
        let Some(frame) = host.receive() else { return Vec::new() };
        let header = *frame.header();
        assert_eq!((header.s_id(), header.d_id()), (PortId::FABRIC_CONTROLLER, host.id));
        let pages = Rscn::parse(frame.payload()).expect("an RSCN").pages().to_vec();
        let reply = FrameHeader::new(RCtl::ELS_REPLY, Type::ELS, host.id, PortId::FABRIC_CONTROLLER)
            .with_exchange(header.ox_id(), 5)
            .with_f_ctl(FCtl::REPLY);
        host.link.send(Frame::new(&reply, &[2, 0, 0, 0]));
        self.turn();
        pages
    }
}

impl Host {
    pub fn ox_id(&mut self) -> u16 {
        self.next_ox_id += 1;
        self.next_ox_id
    }

    pub fn receive(&mut self) -> Option<FrameBox> {
        self.link.event(0);
        self.link.receive(0)
    }

    pub fn send_els(&mut self, from: PortId, to: PortId, payload: &[u8]) -> u16 {
        let ox_id = self.ox_id();
        let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, from, to)
            .with_exchange(ox_id, 0xffff)
            .with_f_ctl(FCtl::REQUEST);
        self.link.send(Frame::new(&header, payload));
        ox_id
    }

    /// Sends a data frame with a number in it.
    pub fn send(&mut self, to: PortId, number: u32) {
        let header = FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, self.id, to);
        self.link.send(Frame::new(&header, &number.to_be_bytes()));
    }

    /// The numbers of the data frames that came.
    pub fn numbers(&mut self) -> Vec<u32> {
        let mut numbers = Vec::new();
        while let Some(frame) = self.receive() {
            assert_eq!(frame.header().d_id(), self.id);
            numbers.push(u32::from_be_bytes(frame.payload().try_into().unwrap()));
        }
        numbers
    }
}

pub fn ids(pages: &[RscnPage]) -> Vec<PortId> {
    let mut ids: Vec<PortId> = pages.iter().map(RscnPage::port_id).collect();
    ids.sort();
    ids
}
