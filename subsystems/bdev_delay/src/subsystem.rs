//! The `bdev_delay_*` methods.

use crate::{Delay, Kind, Latencies};
use app::{App, Call, DecodeError, Method, RpcError, Subsystem, When};
use bdev::{Bdev, Event, Made, Wanted, Watcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// The subsystem `bdev_delay`.
#[derive(Default)]
pub struct DelaySubsystem(Arc<Inner>);

#[derive(Default)]
struct Inner {
    app: OnceLock<App>,
    made: Made<Delay>,
    wanted: Wanted<Create>,
}

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Name of the new device.
    name: String,
    /// The device below; if it is not there yet, the new one comes with it.
    base_bdev_name: String,
    /// Microseconds that 99 of 100 reads take longer.
    avg_read_latency: u64,
    /// Microseconds that one read of 100 takes longer.
    p99_read_latency: u64,
    /// Microseconds that 99 of 100 writes take longer.
    avg_write_latency: u64,
    /// Microseconds that one write of 100 takes longer.
    p99_write_latency: u64,
    /// Its identity; made from that of the device below when absent.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Uuid>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// Name or UUID of the device.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// Name or UUID of the device.
    delay_bdev_name: String,
    /// Which latency.
    latency_type: Kind,
    /// Its new value in microseconds.
    latency_us: u64,
}

impl Inner {
    fn app(&self) -> &App {
        self.app.get().expect("methods run after start")
    }

    fn create(&self, params: Create) -> Result<String, RpcError> {
        if params.p99_read_latency < params.avg_read_latency || params.p99_write_latency < params.avg_write_latency {
            return Err(RpcError::errno(22).because("a p99 latency is below its average"));
        }
        let (name, base) = (params.name.clone(), params.base_bdev_name.clone());
        if self.wanted.list().iter().any(|wanted| wanted.name == name) {
            return Err(bdev::Error::Exists.into());
        }
        if let Some(device) = self.app().bdevs.get(&base) {
            self.make(&params, device)?;
            return Ok(name);
        }
        log::info!(target: "bdev_delay", "{name} waits for {base}");
        self.wanted.add(&base, params);
        if self.app().bdevs.get(&base).is_some() {
            self.arrived(&base);
        }
        Ok(name)
    }

    fn make(&self, params: &Create, base: Arc<dyn Bdev>) -> Result<(), RpcError> {
        let app = self.app();
        let below = base.info().name;
        if app.bdevs.get(&params.name).is_some() {
            return Err(bdev::Error::Exists.into());
        }
        app.bdevs.claim(&below, Some(&user(&params.name)))?;
        let Create { avg_read_latency, p99_read_latency, avg_write_latency, p99_write_latency, .. } = *params;
        let latencies = [avg_read_latency, p99_read_latency, avg_write_latency, p99_write_latency];
        let uuid = params.uuid.filter(|uuid| !uuid.is_nil());
        let device = Delay::new(&params.name, uuid, base, Latencies::new(latencies));
        if let Err(error) = self.made.add(&app.bdevs, device) {
            app.bdevs.claim(&below, None)?;
            return Err(error.into());
        }
        Ok(())
    }

    /// Makes what waited for `base`.
    fn arrived(&self, base: &str) {
        for params in self.wanted.take(base) {
            let device = self.app().bdevs.get(base);
            if let Some(Err(error)) = device.map(|device| self.make(&params, device)) {
                log::error!(target: "bdev_delay", "{} on {base}: {error}", params.name);
            }
        }
    }

    fn delete(&self, name: &str) -> Result<bool, RpcError> {
        if self.wanted.forget(|params| params.name == name) {
            return Ok(true);
        }
        let bdevs = &self.app().bdevs;
        let device = self.made.find(bdevs, name).ok_or(bdev::Error::NotFound)?;
        self.made.remove(bdevs, name)?;
        if let Some(base) = device.base() {
            // It may be gone itself by now.
            let _ = bdevs.claim(&base, None);
        }
        Ok(true)
    }

    fn update(&self, params: &Update) -> Result<bool, RpcError> {
        let bdevs = &self.app().bdevs;
        let name = &params.delay_bdev_name;
        let Some(device) = self.made.find(bdevs, name) else {
            let reason = match bdevs.get(name) {
                Some(_) => format!("{name} is not a delay device"),
                None => format!("there is no device {name}"),
            };
            return Err(RpcError::bad_params("The requested bdev does not exist.").because(reason));
        };
        device.latencies().set(params.latency_type, params.latency_us);
        Ok(true)
    }
}

/// How the claim on a base device names its user.
fn user(name: &str) -> String {
    format!("delay {name}")
}

impl Watcher for Inner {
    fn on_bdev(&self, event: &Event) -> Result<(), String> {
        if let Event::Added(name) = event {
            self.arrived(name);
        }
        Ok(())
    }
}

impl Subsystem for DelaySubsystem {
    fn name(&self) -> &'static str {
        "bdev_delay"
    }

    fn section(&self) -> &'static str {
        "bdev"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        let inner = || self.0.clone();
        let (create, delete, update) = (inner(), inner(), inner());
        let summaries = [
            "Makes a device that delays another.",
            "Removes a delaying device.",
            "Changes a latency of a delaying device.",
        ];
        [
            Method::new("bdev_delay_create", When::Runtime, summaries[0], move |params| create.create(params)),
            Method::new("bdev_delay_delete", When::Runtime, summaries[1], move |params: Delete| {
                delete.delete(&params.name)
            }),
            Method::new("bdev_delay_update_latency", When::Runtime, summaries[2], move |params| update.update(&params)),
        ]
        .map(|method| method.decode_error(DecodeError::Internal))
        .into()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.0.app.set(app.clone()).is_ok(), "bdev_delay is started already");
        app.bdevs.watch(self.0.clone());
        Ok(())
    }

    fn stop(&self) {}

    fn config(&self) -> Vec<Call> {
        let Some(app) = self.0.app.get() else { return Vec::new() };
        let made = self.0.made.list(&app.bdevs);
        let wanted = self.0.wanted.list();
        let params = made.iter().map(|device| device.params()).chain(wanted.iter().map(|params| json!(params)));
        params.map(|params| Call::new("bdev_delay_create", params)).collect()
    }
}
