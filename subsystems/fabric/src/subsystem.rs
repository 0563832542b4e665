//! The fabrics of the process.

use crate::control::{Create, DEFAULT_NAME, Fabric};
use crate::frames::Pool;
use crate::maker::EmbeddedMaker;
use crate::{config, faults, hba, methods, zones};
use app::{App, Call, Method, RpcError, Subsystem};
use fabric::fcoe::{FcoeMaker, Vn2vnMaker};
use fabric::link::UnixMaker;
use fc::{Frames, LinkMaker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The subsystem `fabric`.
#[derive(Default)]
pub struct FabricSubsystem(Arc<Inner>);

#[derive(Default)]
pub(crate) struct Inner {
    app: OnceLock<App>,
    fabrics: Mutex<BTreeMap<String, Arc<Fabric>>>,
    frames: Pool,
    pub(crate) hbas: hba::Table,
}

impl FabricSubsystem {
    /// Makers of all links that lead to a fabric: `fabric[:NAME]`, `unix:PATH`, `fcoe:INTERFACE`, `vn2vn:INTERFACE`. They work once
    /// the subsystem is started. Whoever drives ports on such links takes its frames from [`Self::frames`].
    pub fn makers(&self) -> Vec<Arc<dyn LinkMaker>> {
        let frames = || self.frames();
        vec![
            Arc::new(EmbeddedMaker(self.0.clone())),
            Arc::new(UnixMaker(frames())),
            Arc::new(FcoeMaker(frames())),
            Arc::new(Vn2vnMaker(frames())),
        ]
    }

    /// The frames of the process.
    pub fn frames(&self) -> Frames {
        self.0.frames.get()
    }
}

impl Inner {
    fn app(&self) -> Result<&App, RpcError> {
        self.app.get().ok_or_else(|| RpcError::internal("the fabric subsystem is not started"))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Fabric>>> {
        self.fabrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn frames(&self) -> Frames {
        self.frames.get()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Fabric>> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn create(&self, create: Create) -> Result<Arc<Fabric>, RpcError> {
        let app = self.app()?;
        let mut fabrics = self.lock();
        let name = create.name.clone();
        if fabrics.contains_key(&name) {
            return Err(RpcError::bad_params(format!("there is a fabric '{name}' already")));
        }
        let fabric = Arc::new(Fabric::start(create, self.frames.get(), &app.cores)?);
        fabrics.insert(name, fabric.clone());
        Ok(fabric)
    }

    pub(crate) fn delete(&self, name: &str) -> Result<(), RpcError> {
        if let Some(hba) = self.hbas.on(name) {
            let text = format!("the adapter {hba} is on fabric '{name}': fabric_hba_delete it first");
            return Err(RpcError::bad_params(text));
        }
        let fabric = self.lock().remove(name);
        fabric.ok_or_else(|| missing(name)).map(|fabric| fabric.stop())
    }

    /// Makes a virtual adapter on the fabric that it asks for, or on the only one; without any, one is made.
    pub(crate) fn create_hba(&self, create: hba::Create) -> Result<String, RpcError> {
        let fabric = match &create.fabric {
            Some(name) => self.find(Some(name))?,
            None => self.find_or_create("")?,
        };
        self.hbas.create(create, &fabric, self.frames(), &self.app()?.cores)
    }

    /// The fabric of that name; without a name the only one there is, or the one with the usual name.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Arc<Fabric>, RpcError> {
        let fabrics = self.lock();
        let only = || fabrics.values().next().filter(|_| fabrics.len() == 1);
        let found = match name {
            Some(name) => fabrics.get(name),
            None => only().or_else(|| fabrics.get(DEFAULT_NAME)),
        };
        found.cloned().ok_or_else(|| match name {
            Some(name) => missing(name),
            None if fabrics.is_empty() => RpcError::bad_params("there is no fabric: make one with fabric_create"),
            None => RpcError::bad_params("there are several fabrics: say which"),
        })
    }

    pub(crate) fn find_or_create(&self, name: &str) -> Result<Arc<Fabric>, RpcError> {
        let said = Some(name).filter(|name| !name.is_empty());
        if said.is_none() && self.lock().is_empty() {
            return self.create(Create::implied(DEFAULT_NAME));
        }
        match self.find(said) {
            Err(_) if said.is_some() => self.create(Create::implied(name)),
            found => found,
        }
    }
}

fn missing(name: &str) -> RpcError {
    RpcError::bad_params(format!("there is no fabric '{name}'"))
}

impl Subsystem for FabricSubsystem {
    fn name(&self) -> &'static str {
        "fabric"
    }

    fn section(&self) -> &'static str {
        "fabric"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        let inner = &self.0;
        let parts = [methods::methods(inner), hba::methods(inner), zones::methods(inner), faults::methods(inner)];
        parts.into_iter().flatten().collect()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.0.app.set(app.clone()).is_ok(), "fabric is started already");
        Ok(())
    }

    fn serves(&self) -> Vec<String> {
        let line = |fabric: Arc<Fabric>| {
            let listeners = fabric.call(|switch, _| switch.listeners()).unwrap_or_default();
            let reached = if listeners.is_empty() { "in this process only".to_owned() } else { listeners.join(", ") };
            format!("Fibre Channel fabric {}: {reached}", fabric.create.name)
        };
        let fabrics = self.0.all().into_iter().map(line);
        fabrics.chain(self.0.hbas.serves()).collect()
    }

    fn stop(&self) {
        self.0.hbas.stop();
        let fabrics = std::mem::take(&mut *self.0.lock());
        fabrics.values().for_each(|fabric| fabric.stop());
    }

    fn config(&self) -> Vec<Call> {
        let calls = |fabric: &Arc<Fabric>| [config::calls(fabric), self.0.hbas.calls(&fabric.create.name)].concat();
        self.0.all().iter().flat_map(calls).collect()
    }
}
