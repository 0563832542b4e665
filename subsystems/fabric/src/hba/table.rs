//! The virtual adapters of the process, by name.

use super::hosted::Hosted;
use super::memory::Memory;
use super::params::Create;
use crate::control::Fabric;
use app::{Call, RpcError};
use fc::Frames;
use reactor::Handle;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most virtual adapters of a process. Each holds up to 1,024 frames of the process's pool when both ways of its link are full.
pub(crate) const MOST: usize = 64;

#[derive(Default)]
pub(crate) struct Table {
    hbas: Mutex<BTreeMap<String, Arc<Hosted>>>,
    memory: Memory,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Hosted>>> {
        self.hbas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, or the one of that name.
    pub(crate) fn list(&self, name: Option<&str>) -> Result<Vec<Arc<Hosted>>, RpcError> {
        match name {
            None => Ok(self.lock().values().cloned().collect()),
            Some(name) => self.find(name).map(|hba| vec![hba]),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Result<Arc<Hosted>, RpcError> {
        self.lock().get(name).cloned().ok_or_else(|| missing(name))
    }

    /// Whether there is one on that fabric; then its name.
    pub(crate) fn on(&self, fabric: &str) -> Option<String> {
        self.lock().values().find(|hba| hba.fabric == fabric).map(|hba| hba.adapter.name.clone())
    }

    /// Makes one; its port name comes back.
    pub(crate) fn create(
        &self,
        create: Create,
        fabric: &Arc<Fabric>,
        frames: Frames,
        cores: &[Handle],
    ) -> Result<String, RpcError> {
        let adapter = create.adapter()?;
        let mut hbas = self.lock();
        let twice =
            |other: &&Arc<Hosted>| other.adapter.name == adapter.name || other.adapter.names.port == adapter.names.port;
        if let Some(other) = hbas.values().find(twice) {
            let (name, port) = (&other.adapter.name, other.adapter.names.port);
            return Err(RpcError::bad_params(format!("there is an adapter {name} with port name {port} already")));
        }
        if hbas.len() == MOST {
            return Err(RpcError::bad_params(format!("there are {MOST} adapters, which is the most")));
        }
        let hosted = Hosted::start(create, adapter, fabric, frames, &self.memory, cores)?;
        let (name, port) = (hosted.adapter.name.clone(), hosted.adapter.names.port.to_string());
        let mib = Memory::bytes().div_ceil(1 << 20);
        let (socket, all) = (hosted.create.socket.display().to_string(), (hbas.len() as u64 + 1) * mib);
        log::info!(
            "HBA {name} is {} {port} at {socket}; {mib} MiB for it, {all} MiB for all",
            hosted.adapter.board.name()
        );
        hbas.insert(name, Arc::new(hosted));
        Ok(port)
    }

    pub(crate) fn delete(&self, name: &str) -> Result<(), RpcError> {
        let hba = self.lock().remove(name);
        hba.ok_or_else(|| missing(name)).map(|hba| hba.stop())
    }

    /// The calls that make those of a fabric again.
    pub(crate) fn calls(&self, fabric: &str) -> Vec<Call> {
        let hbas = self.lock();
        let here = hbas.values().filter(|hba| hba.fabric == fabric);
        here.map(|hba| Call::new("fabric_hba_create", json!(hba.create))).collect()
    }

    /// How to reach each, for people.
    pub(crate) fn serves(&self) -> Vec<String> {
        let line = |hba: &Arc<Hosted>| {
            let socket = hba.create.socket.display();
            format!(
                "virtual {} {} on fabric {}: qemu -device '{{\"driver\":\"vfio-user-pci\",\"socket\":{{\"type\":\"unix\",\"path\":\"{socket}\"}}}}'",
                hba.adapter.board.name(),
                hba.adapter.names.port,
                hba.fabric
            )
        };
        self.lock().values().map(line).collect()
    }

    pub(crate) fn stop(&self) {
        let hbas = std::mem::take(&mut *self.lock());
        hbas.values().for_each(|hba| hba.stop());
    }
}

fn missing(name: &str) -> RpcError {
    RpcError::bad_params(format!("there is no adapter '{name}': fabric_get_hbas lists them"))
}
