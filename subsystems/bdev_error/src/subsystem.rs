//! The `bdev_error_*` methods.

use crate::device::name as name_on;
use crate::{ErrorDevice, Injection, Kind};
use app::{App, Call, DecodeError, Method, RpcError, Subsystem, When};
use bdev::{Bdev, Event, Made, Wanted, Watcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

const EINVAL: i32 = 22;

/// The subsystem `bdev_error`.
#[derive(Default)]
pub struct ErrorSubsystem(Arc<Inner>);

#[derive(Default)]
struct Inner {
    app: OnceLock<App>,
    made: Made<ErrorDevice>,
    wanted: Wanted<Create>,
}

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// The device below; if it is not there yet, the new one comes with it. The new one is called `EE_` and this.
    base_name: String,
    /// Its identity; made from that of the device below when absent.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Uuid>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// Name or UUID of the device.
    name: String,
}

/// Which operations a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Scope {
    /// None any more: ends all rules.
    Clear,
    Read,
    Write,
    Unmap,
    Flush,
    All,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Inject {
    /// Name or UUID of the device.
    name: String,
    /// Which operations; `clear` ends all rules.
    io_type: Scope,
    /// What happens to them.
    error_type: Kind,
    /// NVMe status code type, for `nvme_failure`.
    #[serde(default)]
    nvme_sct: u32,
    /// NVMe status code, for `nvme_failure`.
    #[serde(default)]
    nvme_sc: u32,
    /// To how many operations.
    #[serde(default = "one")]
    num: u32,
    /// Only while at least so many operations of the same core are below.
    #[serde(default)]
    queue_depth: u64,
    /// Which byte of the data is changed, for `corrupt_data`.
    #[serde(default)]
    corrupt_offset: u64,
    /// What it is exclusive-ored with, for `corrupt_data`; not 0 then.
    #[serde(default)]
    corrupt_value: u8,
}

fn one() -> u32 {
    1
}

impl Inner {
    fn app(&self) -> &App {
        self.app.get().expect("methods run after start")
    }

    fn create(&self, params: Create) -> Result<bool, RpcError> {
        let base = params.base_name.clone();
        if self.wanted.list().iter().any(|wanted| wanted.base_name == base) {
            return Err(bdev::Error::Exists.into());
        }
        if let Some(device) = self.app().bdevs.get(&base) {
            self.make(&params, device)?;
            return Ok(true);
        }
        log::info!(target: "bdev_error", "{} waits for {base}", name_on(&base));
        self.wanted.add(&base, params);
        if self.app().bdevs.get(&base).is_some() {
            self.arrived(&base);
        }
        Ok(true)
    }

    fn make(&self, params: &Create, base: Arc<dyn Bdev>) -> Result<(), RpcError> {
        let app = self.app();
        let below = base.info().name;
        let name = name_on(&below);
        if app.bdevs.get(&name).is_some() {
            return Err(bdev::Error::Exists.into());
        }
        app.bdevs.claim(&below, Some(&format!("error {name}")))?;
        let device = ErrorDevice::new(params.uuid.filter(|uuid| !uuid.is_nil()), base);
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
                log::error!(target: "bdev_error", "{}: {error}", name_on(base));
            }
        }
    }

    fn find(&self, name: &str) -> Result<Arc<ErrorDevice>, RpcError> {
        self.made.find(&self.app().bdevs, name).ok_or_else(|| bdev::Error::NotFound.into())
    }

    fn delete(&self, name: &str) -> Result<bool, RpcError> {
        if self.wanted.forget(|params| name_on(&params.base_name) == name) {
            return Ok(true);
        }
        let bdevs = &self.app().bdevs;
        let device = self.find(name)?;
        self.made.remove(bdevs, name)?;
        if let Some(base) = device.base() {
            // It may be gone itself by now.
            let _ = bdevs.claim(&base, None);
        }
        Ok(true)
    }

    fn inject(&self, params: &Inject) -> Result<bool, RpcError> {
        let injection = injection(params)?;
        let device = self.find(&params.name)?;
        let rules = device.rules();
        match params.io_type {
            Scope::Clear => rules.all().into_iter().for_each(|rule| rule.clear()),
            Scope::All => rules.all().into_iter().for_each(|rule| rule.set(injection)),
            Scope::Read => rules.read.set(injection),
            Scope::Write => rules.write.set(injection),
            Scope::Unmap => rules.unmap.set(injection),
            Scope::Flush => rules.flush.set(injection),
        }
        Ok(true)
    }

    fn resume(&self, name: &str) -> Result<bool, RpcError> {
        self.find(name)?.rules().resume();
        Ok(true)
    }
}

fn injection(params: &Inject) -> Result<Injection, RpcError> {
    let coded = params.nvme_sct != 0 || params.nvme_sc != 0;
    if coded != (params.error_type == Kind::NvmeFailure) {
        let text = "nvme_sct or nvme_sc should be specified for NVMe error injection";
        return Err(RpcError::new(-i64::from(EINVAL), text));
    }
    if params.error_type == Kind::CorruptData && params.corrupt_value == 0 {
        return Err(RpcError::errno(EINVAL).because("corrupt_value: 0 changes nothing"));
    }
    let too_large = |name: &str| RpcError::errno(EINVAL).because(format!("{name}: more than NVMe has bits for"));
    Ok(Injection {
        kind: params.error_type,
        num: params.num,
        queue_depth: params.queue_depth,
        corrupt_offset: params.corrupt_offset,
        corrupt_value: params.corrupt_value,
        sct: u8::try_from(params.nvme_sct).ok().filter(|sct| *sct < 8).ok_or_else(|| too_large("nvme_sct"))?,
        sc: u8::try_from(params.nvme_sc).map_err(|_| too_large("nvme_sc"))?,
    })
}

impl Watcher for Inner {
    fn on_bdev(&self, event: &Event) -> Result<(), String> {
        if let Event::Added(name) = event {
            self.arrived(name);
        }
        Ok(())
    }
}

impl Subsystem for ErrorSubsystem {
    fn name(&self) -> &'static str {
        "bdev_error"
    }

    fn section(&self) -> &'static str {
        "bdev"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        let inner = || self.0.clone();
        let (create, delete, inject, resume) = (inner(), inner(), inner(), inner());
        let summaries = [
            "Makes a device that goes wrong on demand.",
            "Removes a device that goes wrong on demand.",
            "Says what shall go wrong.",
            "Sends on what is held as pending.",
        ];
        [
            Method::new("bdev_error_create", When::Runtime, summaries[0], move |params| create.create(params)),
            Method::new("bdev_error_delete", When::Runtime, summaries[1], move |p: Named| delete.delete(&p.name)),
            Method::new("bdev_error_inject_error", When::Runtime, summaries[2], move |params| inject.inject(&params)),
            Method::new("bdev_error_resume_pending", When::Runtime, summaries[3], move |p: Named| {
                resume.resume(&p.name)
            }),
        ]
        .map(|method| method.decode_error(DecodeError::Own(-32602, "spdk_json_decode_object failed")))
        .into()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.0.app.set(app.clone()).is_ok(), "bdev_error is started already");
        app.bdevs.watch(self.0.clone());
        Ok(())
    }

    fn stop(&self) {}

    fn config(&self) -> Vec<Call> {
        let Some(app) = self.0.app.get() else { return Vec::new() };
        let params = |device: Arc<ErrorDevice>| json!({ "base_name": device.base(), "uuid": device.info().uuid });
        let made = self.0.made.list(&app.bdevs).into_iter().map(params);
        let wanted = self.0.wanted.list().into_iter().map(|params| json!(params));
        made.chain(wanted).map(|params| Call::new("bdev_error_create", params)).collect()
    }
}
