//! The subsystem on a running core.

use app::{App, Options, RpcError, State, Subsystem, assemble};
use fabric_target::FabricSubsystem;
use reactor::{Clock, Cores};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A process with the one subsystem.
pub struct Target {
    pub app: App,
    pub fabric: Arc<FabricSubsystem>,
    cores: Option<Cores>,
    began: Instant,
}

impl Target {
    pub fn start() -> Self {
        let cores = Cores::start(&[0], &reactor::Options { clock: Clock::real(), ..Default::default() }, |_, _| {});
        let cores = cores.unwrap();
        let memory = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let fabric = Arc::new(FabricSubsystem::default());
        let all: Arc<[Arc<dyn Subsystem>]> = Arc::new([fabric.clone() as Arc<dyn Subsystem>]);
        let app = assemble(Options::default(), dma::Arena::new(memory).unwrap(), cores.handles().into(), all).unwrap();
        fabric.start(&app).unwrap();
        app.methods.enter(State::Runtime);
        Self { app, fabric, cores: Some(cores), began: Instant::now() }
    }

    pub fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.app.methods.call(method, params)
    }

    pub fn ok(&self, method: &str, params: Value) -> Value {
        self.call(method, params.clone()).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    pub fn refused(&self, method: &str, params: Value) -> String {
        self.call(method, params).unwrap_err().to_string()
    }

    pub fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    pub fn until<T>(&self, what: &str, mut check: impl FnMut(u64) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(result) = check(self.now()) {
                return result;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("never: {what}");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.fabric.stop();
        self.cores.take().into_iter().for_each(|cores| drop(cores.stop()));
    }
}
