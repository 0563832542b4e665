//! A target with the one subsystem, and a switch in a thread of its own.

use app::{App, Options, State, Subsystem, assemble};
use fabric::{Config, Switch};
use fc::{Frames, Link, LinkMaker, Names, Ports, RingLink, Wake, ring_links};
use hba::Hba;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wire::fc::Wwn;

/// Makes links to the switch: sends it their other ends.
#[derive(Clone)]
struct ToSwitch(Arc<Mutex<Sender<RingLink>>>);

impl LinkMaker for ToSwitch {
    fn scheme(&self) -> &'static str {
        "fabric"
    }
    fn make(&self, to: &str, _names: Names, wake: Wake) -> Result<Box<dyn Link>, String> {
        if !to.is_empty() {
            return Err(format!("there is no fabric {to}"));
        }
        let [near, far] = ring_links(64, [wake, Arc::new(|| {})]);
        self.0.lock().unwrap().send(far).map_err(|_| "the switch is gone".to_owned())?;
        Ok(Box::new(near))
    }
}

fn switch(frames: Frames, links: Receiver<RingLink>, end: Arc<AtomicBool>) {
    let config = Config { name: "test".to_owned(), wwn: Wwn(0x1000_0024_0000_0001), domain: 1 };
    let (mut switch, start) = (Switch::new(config, frames), Instant::now());
    while !end.load(Relaxed) {
        while let Ok(link) = links.try_recv() {
            switch.attach(Box::new(link)).unwrap();
        }
        if switch.poll(start.elapsed().as_nanos() as u64) == 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

/// A target on the switch.
pub struct Target {
    maker: ToSwitch,
    frames: Frames,
    pub app: App,
    pub hba: Arc<Hba>,
    pub ports: Arc<Ports>,
    cores: Option<reactor::Cores>,
    switch: Option<(std::thread::JoinHandle<()>, Arc<AtomicBool>)>,
}

impl Target {
    pub fn new() -> Self {
        let (frames, end) = (Frames::new(4096), Arc::new(AtomicBool::new(false)));
        let (links, taken) = channel();
        let mut target = Self::with(ToSwitch(Arc::new(Mutex::new(links))), frames.clone());
        let told = end.clone();
        target.switch = Some((std::thread::spawn(move || switch(frames, taken, told)), end));
        target
    }

    /// Another one on the switch of this one.
    pub fn beside(&self) -> Self {
        Self::with(self.maker.clone(), self.frames.clone())
    }

    fn with(maker: ToSwitch, frames: Frames) -> Self {
        let ports = Arc::new(Ports::default());
        let makers: Vec<Arc<dyn LinkMaker>> = vec![Arc::new(maker.clone())];
        let hba = Arc::new(Hba::new(ports.clone(), makers, frames.clone()));
        let cores = reactor::Cores::start(&[0], &reactor::Options::default(), |_, _| {}).unwrap();
        let memory = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let subsystems: Vec<Arc<dyn Subsystem>> = vec![hba.clone()];
        let arena = dma::Arena::new(memory).unwrap();
        let app = assemble(Options::default(), arena, cores.handles().into(), subsystems.into()).unwrap();
        hba.start(&app).unwrap();
        app.methods.enter(State::Runtime);
        Self { maker, frames, app, hba, ports, cores: Some(cores), switch: None }
    }

    pub fn call(&self, method: &str, params: Value) -> Value {
        self.app.methods.call(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub fn error(&self, method: &str, params: Value) -> (i64, String) {
        let error = self.app.methods.call(method, params).unwrap_err();
        let data = error.data.map(|data| data.as_str().unwrap_or_default().to_owned());
        (error.code, data.unwrap_or_default())
    }

    /// Waits until a port is online.
    pub fn online(&self, name: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let port = self.port(name);
            if port["state"] == "online" {
                return port;
            }
            assert!(Instant::now() < end, "{port}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn port(&self, name: &str) -> Value {
        self.call("fc_get_ports", json!({ "name": name }))[0].clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.hba.stop();
        assert!(self.ports.list().is_empty(), "stop takes all ports away");
        if let Some((thread, end)) = self.switch.take() {
            end.store(true, Relaxed);
            thread.join().unwrap();
        }
        assert!(self.cores.take().unwrap().stop().is_empty());
    }
}
