//! A disk in memory that can be told to dawdle and to fail.

use crate::NamespaceView;
use bdev::{Bdev, Channel, Done, Features, Info, Op, Range, Status};
use dma::Data;
use ring::{Tag, Tick};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

struct State {
    bytes: Vec<u8>,
    /// Operations are not done until released.
    hold: bool,
    /// What is held cannot be hurried.
    stubborn: bool,
    ops: Vec<Op>,
    channels: usize,
    answer: Option<Status>,
}

/// A disk in memory that can be told to dawdle.
pub struct SoftDisk {
    info: Info,
    state: Arc<Mutex<State>>,
}

impl SoftDisk {
    pub fn new(name: &str, blocks: u64, block_size: u32, features: Features) -> Arc<Self> {
        let info = Info {
            name: name.to_owned(),
            product: "Soft disk",
            uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()),
            block_size,
            physical_block_size: 4096.max(block_size),
            blocks,
            features,
        };
        let bytes = vec![0; blocks as usize * block_size as usize];
        let state = State { bytes, hold: false, stubborn: false, ops: Vec::new(), channels: 0, answer: None };
        Arc::new(Self { info, state: Arc::new(Mutex::new(state)) })
    }

    pub fn hold(&self, hold: bool) {
        self.state.lock().unwrap().hold = hold;
    }

    /// Held operations do not end early when they are cancelled, or do again.
    pub fn be_stubborn(&self, stubborn: bool) {
        self.state.lock().unwrap().stubborn = stubborn;
    }

    /// Ends all operations with a status instead of doing them.
    pub fn answer(&self, status: Option<Status>) {
        self.state.lock().unwrap().answer = status;
    }

    /// The operations that were done.
    pub fn ops(&self) -> Vec<Op> {
        self.state.lock().unwrap().ops.clone()
    }

    pub fn channels(&self) -> usize {
        self.state.lock().unwrap().channels
    }

    pub fn view(self: &Arc<Self>, nsid: u32) -> NamespaceView {
        NamespaceView {
            nsid,
            device: self.clone(),
            info: self.info.clone(),
            meters: (0..4).map(|_| bdev::Meter::default()).collect(),
            uuid: self.info.uuid,
            nguid: self.info.nguid(),
            eui64: [0, 1, 2, 3, 4, 5, 6, nsid as u8],
        }
    }
}

impl Bdev for SoftDisk {
    fn info(&self) -> Info {
        self.info.clone()
    }

    fn channel(&self, _: u32) -> Result<Box<dyn Channel>, String> {
        if self.info.name == "broken" {
            return Err("it is broken".to_owned());
        }
        self.state.lock().unwrap().channels += 1;
        Ok(Box::new(SoftChannel {
            state: self.state.clone(),
            size: self.info.block_size,
            waiting: Vec::new(),
            done: VecDeque::new(),
        }))
    }

    fn driver_specific(&self) -> Value {
        Value::Null
    }
}

struct SoftChannel {
    state: Arc<Mutex<State>>,
    size: u32,
    waiting: Vec<(Tag, Op, Data)>,
    done: VecDeque<Done>,
}

impl SoftChannel {
    fn perform(&mut self, tag: Tag, op: Op, mut data: Data) -> Done {
        let mut state = self.state.lock().unwrap();
        if let Some(status) = state.answer {
            return Done { tag, status, data };
        }
        state.ops.push(op);
        let size = self.size as usize;
        let part = |block: u64, blocks: u64| block as usize * size..(block + blocks) as usize * size;
        match op {
            Op::Read { block, blocks } => data.bytes_mut().copy_from_slice(&state.bytes[part(block, blocks.into())]),
            Op::Write { block, blocks, .. } => {
                state.bytes[part(block, blocks.into())].copy_from_slice(data.bytes());
            }
            Op::WriteZeroes { block, blocks, .. } => state.bytes[part(block, blocks)].fill(0),
            Op::Unmap { ranges } => {
                for index in 0..ranges as usize {
                    let range = Range::read(data.bytes(), index);
                    state.bytes[part(range.block, range.blocks)].fill(0);
                }
            }
            Op::Flush | Op::Provisioning { .. } => {}
        }
        Done { tag, status: Status::Ok, data }
    }
}

impl Channel for SoftChannel {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        if self.state.lock().unwrap().hold {
            self.waiting.push((tag, op, data));
            return None;
        }
        Some(self.perform(tag, op, data))
    }

    fn cancel(&mut self, tag: Tag) {
        if self.state.lock().unwrap().stubborn {
            return;
        }
        let hurried = self.waiting.extract_if(.., |(waiting, ..)| *waiting == tag);
        self.done.extend(hurried.map(|(tag, _, data)| Done { tag, status: Status::Aborted, data }));
    }

    fn reset(&mut self) {
        if self.state.lock().unwrap().stubborn {
            return;
        }
        let hurried = std::mem::take(&mut self.waiting).into_iter();
        self.done.extend(hurried.map(|(tag, _, data)| Done { tag, status: Status::Aborted, data }));
    }

    fn turn(&mut self, _: Tick) {
        if self.state.lock().unwrap().hold {
            return;
        }
        for (tag, op, data) in std::mem::take(&mut self.waiting) {
            let done = self.perform(tag, op, data);
            self.done.push_back(done);
        }
    }

    fn next(&mut self) -> Option<Done> {
        self.done.pop_front()
    }

    fn bell(&mut self) {}
}

impl Drop for SoftChannel {
    fn drop(&mut self) {
        let idle = self.waiting.is_empty() && self.done.is_empty();
        assert!(idle || std::thread::panicking(), "dropped with operations in flight");
        self.state.lock().unwrap().channels -= 1;
    }
}
