//! A disk in memory that can be told to dawdle.

use bdev::{Bdev, Channel, Done, Features, Info, Op, Status};
use dma::Data;
use nvmf::NamespaceView;
use ring::{Tag, Tick};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub const BLOCK: usize = 512;
pub const BLOCKS: u64 = 2048;

pub struct Disk {
    info: Info,
    state: Arc<Mutex<State>>,
}

struct State {
    bytes: Vec<u8>,
    hold: bool,
}

impl Disk {
    pub fn new() -> Arc<Self> {
        let features =
            Features { write: true, unmap: false, unmap_zeroes: false, write_zeroes: false, volatile_cache: false };
        let (block_size, physical_block_size) = (BLOCK as u32, 4096);
        let (name, uuid) = ("disk".to_owned(), Uuid::from_u128(7));
        let info = Info { name, product: "Disk", uuid, block_size, physical_block_size, blocks: BLOCKS, features };
        let state = State { bytes: vec![0; BLOCKS as usize * BLOCK], hold: false };
        Arc::new(Self { info, state: Arc::new(Mutex::new(state)) })
    }

    /// Operations are not done until that is taken back, unless they are cancelled.
    pub fn hold(&self, hold: bool) {
        self.state.lock().unwrap().hold = hold;
    }

    pub fn view(self: &Arc<Self>) -> NamespaceView {
        let (info, device) = (self.info.clone(), self.clone());
        let (uuid, nguid) = (info.uuid, info.nguid());
        let meters = (0..8).map(|_| bdev::Meter::default()).collect();
        NamespaceView { nsid: 1, device, info, meters, uuid, nguid, eui64: [1; 8] }
    }
}

impl Bdev for Disk {
    fn info(&self) -> Info {
        self.info.clone()
    }

    fn channel(&self, _: u32) -> Result<Box<dyn Channel>, String> {
        let (waiting, done) = (Vec::with_capacity(256), VecDeque::with_capacity(256));
        Ok(Box::new(DiskChannel { state: self.state.clone(), waiting, done }))
    }

    fn driver_specific(&self) -> Value {
        Value::Null
    }
}

struct DiskChannel {
    state: Arc<Mutex<State>>,
    waiting: Vec<(Tag, Op, Data)>,
    done: VecDeque<Done>,
}

impl DiskChannel {
    fn perform(&mut self, tag: Tag, op: Op, mut data: Data) -> Done {
        let bytes = &mut self.state.lock().unwrap().bytes;
        let part = |block: u64, blocks: u32| block as usize * BLOCK..(block as usize + blocks as usize) * BLOCK;
        match op {
            Op::Read { block, blocks } => data.bytes_mut().copy_from_slice(&bytes[part(block, blocks)]),
            Op::Write { block, blocks, .. } => bytes[part(block, blocks)].copy_from_slice(data.bytes()),
            _ => {}
        }
        Done { tag, status: Status::Ok, data }
    }
}

impl Channel for DiskChannel {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        if self.state.lock().unwrap().hold {
            self.waiting.push((tag, op, data));
            return None;
        }
        Some(self.perform(tag, op, data))
    }

    fn cancel(&mut self, tag: Tag) {
        let hurried = self.waiting.extract_if(.., |(waiting, ..)| *waiting == tag);
        self.done.extend(hurried.map(|(tag, _, data)| Done { tag, status: Status::Aborted, data }));
    }

    fn reset(&mut self) {
        let hurried = std::mem::take(&mut self.waiting).into_iter();
        self.done.extend(hurried.map(|(tag, _, data)| Done { tag, status: Status::Aborted, data }));
    }

    fn turn(&mut self, _: Tick) {
        if self.state.lock().unwrap().hold {
            return;
        }
        while let Some((tag, op, data)) = self.waiting.pop() {
            let done = self.perform(tag, op, data);
            self.done.push_back(done);
        }
    }

    fn next(&mut self) -> Option<Done> {
        self.done.pop_front()
    }

    fn bell(&mut self) {}
}
