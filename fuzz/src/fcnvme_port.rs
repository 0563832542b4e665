//! `fcnvme_port`: NVMe link services and command units of any content through the FC-NVMe ports of two cores to the NVMe core,
//! over queues that keep the contract of a Fibre Channel port: one ending for each order, aborts whenever the input says so,
//! hosts and ports that go in the middle.
//!
//! Input: a script. Of each step the first byte says what happens, the second to whom; then what that takes.

mod queue;

use crate::host;
use crate::input::Input;
use crate::target::{LISTENER, MS, Target, fc};
use nvmf_fc::{FcNvmePort, Mail, Note, Options};
use queue::Hosts;
use ring::{Sender, mailbox};
use std::sync::mpsc::sync_channel;
use wire::fabrics::{Connect, FcType, Nqn};
use wire::fcnvme::{CmndIu, CreateAssociation, CreateConnection, Disconnect, DisconnectConnection};
use wire::fcp::Direction;
use wire::nvme::{SglDescriptor, Transfer};

/// Hosts at a time.
const HOSTS: usize = 3;

struct World {
    target: Target<FcNvmePort>,
    hosts: Hosts,
    notes: Vec<Sender<Note>>,
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let mut world = World::new();
    let mut cid = 0;
    while !input.is_empty() {
        cid += 1;
        world.step(&mut input, cid);
    }
    world.end();
}

impl World {
    fn new() -> Self {
        let (notes, boxes): (Vec<_>, Vec<_>) = (0..2).map(|_| mailbox(256, || {})).unzip();
        let options = Options { admin_entries: 32, io_entries: 16, io_queues: 5, secret: [3, 4] };
        let port = |(home, inbox)| FcNvmePort::new(options, Mail::new(home, inbox, notes.clone()));
        let ports = boxes.into_iter().enumerate().map(port).collect();
        let mut world = Self { target: Target::with(ports, fc()), hosts: Hosts::new(2), notes };
        world.adopt();
        world
    }

    fn adopt(&mut self) {
        self.hosts = Hosts::new(2);
        for (home, notes) in self.notes.iter().enumerate() {
            let queue = self.hosts.queue(home);
            assert!(notes.send(Note::Adopt { lane: 0, listener: LISTENER, queue }).is_ok(), "the mailbox has room");
        }
        self.turn(2);
    }

    fn turn(&mut self, turns: usize) {
        for _ in 0..turns {
            for core in &mut self.target.cores {
                core.poll(self.target.now);
            }
        }
    }

    fn step(&mut self, input: &mut Input, cid: u16) {
        let (what, who) = (input.u8(), input.u8());
        let hosts = &self.hosts;
        match what % 16 {
            0 if hosts.sessions() < HOSTS => hosts.log_in(),
            1 => hosts.lose(who),
            2 => hosts.hold(true),
            3 => hosts.hold(false),
            4 => self.target.wait(input.pick(&[1, 2, 10, 100, 1000, 11_000, 121_000]) * MS),
            5 => self.target.meddle(input),
            6 => hosts.abort(who),
            7 => hosts.fail_next(),
            8 => self.link_service(input, who),
            9 => {
                let len = usize::from(input.u8());
                hosts.request(who, input.bytes(len));
            }
            10 => {
                let len = usize::from(input.u8() % 100);
                hosts.command(who, input.bytes(len), Vec::new());
            }
            11 if who & 15 == 0 => self.replace(),
            _ => {
                let (unit, payload) = self.unit(input, cid);
                hosts.command(who, &unit, payload);
            }
        }
        if what & 0x80 == 0 {
            self.turn(8);
        }
    }

    fn link_service(&self, input: &mut Input, who: u8) {
        let (kind, which, how) = (input.u8(), input.u8(), input.u8());
        let association = self.hosts.known(which, false);
        let nqn = |name| Nqn::new(name).expect("a name");
        let mut payload = match kind % 4 {
            0 => CreateAssociation::new(nqn(host::HOST), [7; 16], nqn(host::NQN), 32, 8).to_bytes().to_vec(),
            1 => CreateConnection::new(association, u16::from(how % 8), 16, 4).to_bytes().to_vec(),
            2 => Disconnect::new(association).to_bytes().to_vec(),
            _ => DisconnectConnection::new(association, self.hosts.known(how, true)).to_bytes().to_vec(),
        };
        if kind & 0x80 != 0 {
            let at = usize::from(input.u16()) % payload.len();
            payload[at] = input.u8();
        }
        self.hosts.request(who, &payload);
    }

    /// A command on a connection, mostly right.
    fn unit(&self, input: &mut Input, cid: u16) -> (Vec<u8>, Vec<u8>) {
        let how = input.u8();
        let connection = self.hosts.known(how, true);
        let command = host::command(input, cid);
        let mut sqe = command.sqe;
        if FcType::of(&sqe) == Some(FcType::CONNECT) && how & 0x20 == 0 {
            // The size that the connection was created with, or Connect would never succeed.
            let mut connect = *Connect::of(&sqe);
            connect.sqsize.set(if connect.qid.get() == 0 { 31 } else { 15 });
            sqe = connect.into_sqe();
        }
        let transfer = FcType::of(&sqe).map_or(sqe.transfer(), |fctype| Transfer::of(fctype.0));
        let direction = match transfer {
            Transfer::HostToController => Direction::Write,
            Transfer::ControllerToHost => Direction::Read,
            _ => Direction::None,
        };
        let len = match direction {
            Direction::None => 0,
            _ => command.room().max(command.payload.len() as u32).max(sqe.dptr.length()) % 70_000,
        };
        if how & 0x80 == 0 {
            sqe.dptr = SglDescriptor::transport(len);
        }
        let mut bytes = CmndIu::new(connection, cid.into(), direction, len, sqe, false).to_bytes().to_vec();
        if how & 0x40 != 0 {
            let at = usize::from(input.u8()) % bytes.len();
            bytes[at] = input.u8();
        }
        (bytes, command.payload)
    }

    /// The port goes and another comes.
    fn replace(&mut self) {
        self.hosts.hold(false);
        (0..HOSTS).for_each(|_| self.hosts.lose(0));
        let (done, gone) = sync_channel(2);
        for notes in &self.notes {
            let done = done.clone();
            assert!(notes.send(Note::Retire { lane: 0, done }).is_ok(), "the mailbox has room");
        }
        let mut left = 2;
        for _ in 0..400 {
            self.target.wait(10 * MS);
            self.turn(4);
            left -= gone.try_iter().count();
            if left == 0 {
                return self.adopt();
            }
        }
        panic!("a port is not given back");
    }

    /// All hosts go; nothing is left of them.
    fn end(&mut self) {
        self.hosts.hold(false);
        for _ in 0..50 {
            self.target.wait(10 * MS);
            self.turn(4);
        }
        assert_eq!(self.hosts.asked(), 0, "each request is answered");
        (0..HOSTS).for_each(|_| self.hosts.lose(0));
        for _ in 0..400 {
            self.target.wait(10 * MS);
            self.turn(4);
        }
        self.target.assert_empty();
        let census = self.target.cores.iter().map(|core| core.port().census());
        assert!(census.into_iter().all(|census| census == (0, 0, 0)), "connections, commands, associations");
        assert!(self.hosts.is_empty(), "each exchange has ended");
    }
}
