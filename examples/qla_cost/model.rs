//! The model of an adapter in the process, behind a switch with an initiator; and the driver.

use dma::{Arena, Class, Pool};
use emu::isp::firmware::Settings as ModelSettings;
use emu::isp::{Identity, Isp};
use fabric::{Config as SwitchConfig, Switch};
use fc::fc2::Limits;
use fc::{Fc4, Frames, Port, PortState, Queue, RingLink, Service, ring_links};
use pci::Runner;
use qla::{Adapter, QlaPort, Settings};
use ring::Tick;
use std::sync::Arc;
use wire::fc::Wwn;

use crate::bench::{Ask, MS, Served, Side, Speech, TARGET, nobody};
use crate::host::Host;

/// As the software ports and switches of the program have them.
const RING: usize = 512;
const FRAMES: usize = 8192;

pub struct Model {
    switch: Switch,
    host: Host,
    runner: Runner<Isp<RingLink>>,
    adapter: Adapter,
    port: Arc<QlaPort>,
    fc4: Fc4,
}

impl Model {
    pub fn new(arena: &Arc<Arena>, fc4: Fc4) -> (Self, Box<dyn Queue>) {
        let frames = Frames::new(FRAMES);
        let config = SwitchConfig { name: "bench".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
        let mut switch = Switch::new(config, frames.clone());
        let mut plug = || {
            let [near, far] = ring_links(RING, [nobody(), nobody()]);
            switch.attach(Box::new(far)).expect("a free port");
            near
        };
        let settings = ModelSettings {
            names: TARGET,
            speed: 6,
            frames: frames.clone(),
            pool: Pool::new(arena, &[Class { size: 16 << 10, count: 512 }]).expect("memory"),
            limits: Limits { exchanges: 2048, ..Limits::default() },
            vports: 0,
        };
        let model = Isp::new(Identity::new(TARGET), settings, plug());
        let (device, runner) = pci::in_process(model, arena).expect("a model");
        let (adapter, port) = Adapter::new(Box::new(device), Settings::default(), arena, nobody()).expect("an adapter");
        let mut queues = port.attach(Service { fc4, discovery: false }, vec![nobody()]).expect("a lane");
        let host = Host::new(arena, plug(), frames.clone());
        (Self { switch, host, runner, adapter, port, fc4 }, queues.remove(0))
    }

    /// Brings the port up and logs in.
    pub fn log_in(mut self, mut core: Box<dyn Served>) -> (Self, Box<dyn Served>, Tick) {
        let (mut now, mut asked) = (1, false);
        while self.host.session.is_none() {
            now += MS / 10;
            self.turn(None, now);
            core.poll(now);
            let id = self.switch.id_of(TARGET.port).filter(|_| self.port.shown().state == PortState::Online);
            if let Some(id) = id
                && !std::mem::replace(&mut asked, true)
            {
                self.host.login(id, self.fc4);
            }
            assert!(now < 60_000 * MS, "logged in: {:?}", self.port.shown());
        }
        for _ in 0..100 {
            now += MS / 10;
            self.turn(None, now);
            core.poll(now);
        }
        (self, core, now)
    }

    fn turn(&mut self, speech: Option<&dyn Speech>, now: Tick) {
        self.far(speech, now);
        self.adapter.poll(now);
    }

    fn far(&mut self, speech: Option<&dyn Speech>, now: Tick) {
        self.host.poll(speech, now);
        self.switch.poll(now);
        self.runner.poll(now);
    }
}

impl Side for Model {
    fn start(&mut self, unit: &[u8], write: bool, now: Tick) {
        self.host.start(unit, write, now);
    }

    fn poll_far(&mut self, speech: &dyn Speech, now: Tick) {
        self.far(Some(speech), now);
    }

    fn poll_home(&mut self, now: Tick) {
        self.adapter.poll(now);
    }

    fn counts(&self) -> (usize, u64) {
        (self.host.open, self.host.over)
    }

    /// They are the model's, which does not tell.
    fn registers(&self) -> Option<(u64, u64)> {
        None
    }

    fn ask(&mut self, what: Ask<'_>, now: Tick) {
        match what {
            Ask::Command(unit, out) => self.host.ask(unit, out, now),
            Ask::Service(request) => self.host.service(request, now),
        }
    }

    fn answer(&mut self) -> Option<Vec<u8>> {
        self.host.answer.take()
    }
}
