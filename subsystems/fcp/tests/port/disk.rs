//! A disk whose operations end when the test says so.

use bdev::{Bdev, Channel, Done, Features, Info, Op, Status};
use dma::Data;
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use uuid::Uuid;

/// What the test knows of the disk.
#[derive(Default)]
pub struct Switch {
    /// Operations do not end.
    pub holds: AtomicBool,
    /// Operations that do not end now.
    pub held: AtomicUsize,
    /// Cancels and resets.
    pub cancels: AtomicUsize,
}

pub struct Disk(pub Arc<Switch>);

impl Bdev for Disk {
    fn info(&self) -> Info {
        Info {
            name: "Held".into(),
            product: "Test disk",
            uuid: Uuid::from_u128(1),
            block_size: 512,
            physical_block_size: 512,
            blocks: 2048,
            features: Features {
                write: true,
                unmap: true,
                unmap_zeroes: true,
                write_zeroes: true,
                volatile_cache: true,
            },
        }
    }

    fn channel(&self, _depth: u32) -> Result<Box<dyn Channel>, String> {
        Ok(Box::new(Held { switch: self.0.clone(), open: VecDeque::with_capacity(64) }))
    }

    fn driver_specific(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

struct Held {
    switch: Arc<Switch>,
    open: VecDeque<(Tag, Data, bool)>,
}

impl Channel for Held {
    fn submit(&mut self, tag: Tag, op: Op, mut data: Data) -> Option<Done> {
        if let (Op::Read { .. }, false) = (op, data.is_empty()) {
            data.bytes_mut().fill(0xd1);
        }
        self.open.push_back((tag, data, false));
        self.switch.held.store(self.open.len(), SeqCst);
        None
    }

    fn cancel(&mut self, tag: Tag) {
        self.switch.cancels.fetch_add(1, SeqCst);
        self.open.iter_mut().filter(|(open, _, _)| *open == tag).for_each(|(_, _, cancelled)| *cancelled = true);
    }

    fn reset(&mut self) {
        self.open.iter_mut().for_each(|(_, _, cancelled)| *cancelled = true);
    }

    fn turn(&mut self, _now: Tick) {}

    fn next(&mut self) -> Option<Done> {
        let ready = |(_, _, cancelled): &(Tag, Data, bool)| *cancelled || !self.switch.holds.load(SeqCst);
        let place = self.open.iter().position(ready)?;
        let (tag, data, cancelled) = self.open.remove(place)?;
        self.switch.held.store(self.open.len(), SeqCst);
        let status = if cancelled { Status::Aborted } else { Status::Ok };
        Some(Done { tag, status, data })
    }

    fn bell(&mut self) {}
}
