//! A disk in memory that holds operations back, and fails, as a test says.

use bdev::{Bdev, Channel, Done, Features, Info, Op, Provisioned, Range, Status};
use dma::Data;
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub const FEATURES: Features =
    Features { write: true, unmap: true, unmap_zeroes: true, write_zeroes: true, volatile_cache: true };

pub struct Disk {
    pub info: Mutex<Info>,
    pub bytes: Mutex<Vec<u8>>,
    /// Operations stay in their channel.
    pub holds: AtomicBool,
    /// What is held ends as it would, although it was cancelled.
    pub stubborn: AtomicBool,
    /// How operations end, if not well.
    pub fails: Mutex<Option<Status>>,
    /// What was submitted, in order.
    pub ops: Mutex<Vec<Op>>,
    /// Channels that are open.
    pub channels: Arc<AtomicU32>,
    /// Operations end in the call that starts them.
    pub at_once: AtomicBool,
    /// It cannot say how blocks are provisioned.
    pub knows_nothing: AtomicBool,
}

impl Disk {
    pub fn new(uuid: u128, blocks: u64, block_size: u32, features: Features) -> Arc<Self> {
        let info = Info {
            name: format!("disk{uuid}"),
            product: "Test disk",
            uuid: Uuid::from_u128(uuid),
            block_size,
            physical_block_size: block_size.max(4096),
            blocks,
            features,
        };
        // A disk that is larger than this is only asked for its size.
        let bytes = (blocks * u64::from(block_size)).min(1 << 22) as usize;
        Arc::new(Self {
            info: Mutex::new(info),
            bytes: Mutex::new(vec![0; bytes]),
            holds: AtomicBool::new(false),
            stubborn: AtomicBool::new(false),
            fails: Mutex::new(None),
            ops: Mutex::default(),
            channels: Arc::default(),
            at_once: AtomicBool::new(false),
            knows_nothing: AtomicBool::new(false),
        })
    }

    pub fn hold(&self, on: bool) {
        self.holds.store(on, Ordering::Relaxed);
    }

    pub fn fail(&self, status: Option<Status>) {
        *self.fails.lock().unwrap() = status;
    }

    pub fn ops(&self) -> Vec<Op> {
        std::mem::take(&mut *self.ops.lock().unwrap())
    }

    fn run(&self, op: Op, data: &mut Data) -> Status {
        if let Some(status) = *self.fails.lock().unwrap() {
            return status;
        }
        let size = u64::from(self.info.lock().unwrap().block_size);
        let mut bytes = self.bytes.lock().unwrap();
        let place = |block: u64, blocks: u64| (block * size) as usize..((block + blocks) * size) as usize;
        match op {
            Op::Read { block, blocks } => {
                assert_eq!(u64::from(data.len()), u64::from(blocks) * size, "a read fills its data");
                data.bytes_mut().copy_from_slice(&bytes[place(block, blocks.into())]);
            }
            Op::Write { block, blocks, .. } => {
                assert_eq!(u64::from(data.len()), u64::from(blocks) * size, "a write has its data");
                bytes[place(block, blocks.into())].copy_from_slice(data.bytes());
            }
            Op::Flush => assert!(data.is_empty()),
            Op::Provisioning { block, blocks } => {
                if self.knows_nothing.load(Ordering::Relaxed) {
                    return Status::Unsupported;
                }
                let zero = |at: u64| bytes[place(at, 1)].iter().all(|byte| *byte == 0);
                let alike = (block..block + blocks).take_while(|at| zero(*at) == zero(block)).count() as u64;
                Provisioned { blocks: alike, mapped: !zero(block) }.write(data.bytes_mut());
            }
            Op::WriteZeroes { block, blocks, .. } => {
                assert!(data.is_empty());
                bytes[place(block, blocks)].fill(0);
            }
            Op::Unmap { ranges } => {
                for index in 0..ranges as usize {
                    let range = Range::read(data.bytes(), index);
                    bytes[place(range.block, range.blocks)].fill(0);
                }
            }
        }
        Status::Ok
    }
}

/// The handle that the device server gets.
pub struct Handle(pub Arc<Disk>);

impl Bdev for Handle {
    fn info(&self) -> Info {
        self.0.info.lock().unwrap().clone()
    }

    fn channel(&self, _depth: u32) -> Result<Box<dyn Channel>, String> {
        self.0.channels.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Queue { disk: self.0.clone(), held: VecDeque::new(), ended: VecDeque::new() }))
    }

    fn driver_specific(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

struct Queue {
    disk: Arc<Disk>,
    held: VecDeque<(Tag, Op, Data)>,
    ended: VecDeque<Done>,
}

impl Queue {
    fn end(&mut self, place: usize, hurried: bool) {
        let (tag, op, mut data) = self.held.remove(place).expect("it is there");
        let gives_in = hurried && !self.disk.stubborn.load(Ordering::Relaxed);
        let status = if gives_in { Status::Aborted } else { self.disk.run(op, &mut data) };
        self.ended.push_back(Done { tag, status, data });
    }
}

impl Channel for Queue {
    fn submit(&mut self, tag: Tag, op: Op, mut data: Data) -> Option<Done> {
        self.disk.ops.lock().unwrap().push(op);
        if self.disk.at_once.load(Ordering::Relaxed) {
            let status = self.disk.run(op, &mut data);
            return Some(Done { tag, status, data });
        }
        self.held.push_back((tag, op, data));
        None
    }

    fn cancel(&mut self, tag: Tag) {
        let stubborn = self.disk.stubborn.load(Ordering::Relaxed);
        if let Some(place) = self.held.iter().position(|held| held.0 == tag).filter(|_| !stubborn) {
            self.end(place, true);
        }
    }

    fn reset(&mut self) {
        while !self.held.is_empty() && !self.disk.stubborn.load(Ordering::Relaxed) {
            self.end(0, true);
        }
    }

    fn turn(&mut self, _now: Tick) {}

    fn next(&mut self) -> Option<Done> {
        if !self.disk.holds.load(Ordering::Relaxed) && !self.held.is_empty() {
            self.end(0, false);
        }
        self.ended.pop_front()
    }

    fn bell(&mut self) {}
}

impl Drop for Queue {
    fn drop(&mut self) {
        assert!(self.held.is_empty() && self.ended.is_empty(), "a channel is dropped when nothing is in flight");
        self.disk.channels.fetch_sub(1, Ordering::Relaxed);
    }
}
