//! A device that goes wrong on demand.

use crate::Rules;
use crate::channel::Queue;
use bdev::{Bdev, Channel, Gone, Info};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// A device in front of another; it is called `EE_` and the name of that.
pub struct ErrorDevice {
    name: String,
    uuid: Uuid,
    base: Arc<dyn Bdev>,
    rules: Arc<Rules>,
    gone: Gone,
}

impl ErrorDevice {
    /// A device in front of `base`. Without a UUID it has one made from that of `base`.
    pub fn new(uuid: Option<Uuid>, base: Arc<dyn Bdev>) -> Self {
        let info = base.info();
        let uuid = uuid.unwrap_or_else(|| Uuid::new_v5(&info.uuid, b"error"));
        Self { name: name(&info.name), uuid, base, rules: Arc::default(), gone: Gone::default() }
    }

    /// What shall go wrong.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}

/// What the device in front of `base` is called.
pub fn name(base: &str) -> String {
    format!("EE_{base}")
}

impl Bdev for ErrorDevice {
    fn info(&self) -> Info {
        Info { name: self.name.clone(), product: "Error Injection Disk", uuid: self.uuid, ..self.base.info() }
    }

    fn channel(&self, depth: u32) -> Result<Box<dyn Channel>, String> {
        let base = self.base.channel(depth)?;
        Ok(Box::new(Queue::new(base, self.rules.clone(), self.gone.clone(), depth)))
    }

    fn driver_specific(&self) -> Value {
        json!({ "error_disk": { "base_bdev": self.base.info().name } })
    }

    fn base(&self) -> Option<String> {
        Some(self.base.info().name)
    }

    fn removed(&self) {
        self.gone.set();
    }
}
