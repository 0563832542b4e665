//! A volume in memory that takes its time, shared by both protocols.

use crate::{BLOCK, Chance};
use bdev::{Bdev, Channel, Done, Features, Info, Op, Status};
use dma::Data;
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// A fault that is planted, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None: it must go well.
    Nothing,
    /// The volume forgets some writes.
    ForgetsWrites,
    /// It reads a neighbour's block.
    ReadsNeighbours,
    /// It ends writes that were cancelled, and does them later.
    WritesLater,
    /// It loses an operation.
    LosesOne,
    /// Links lose frames and do not take them home.
    KeepsFrames,
    /// Links change a byte of data.
    SpoilsData,
    /// Links change where data belong.
    MisplacesData,
}

struct State {
    bytes: Vec<u8>,
    chance: Chance,
    slowness: Tick,
    fault: Fault,
    /// One operation in so many fails; 0: none.
    failures: u64,
    /// Writes that come back from the dead.
    undead: Vec<(Tick, u64, Vec<u8>)>,
}

/// The volume.
pub struct Volume {
    info: Info,
    state: Arc<Mutex<State>>,
}

impl Volume {
    /// `blocks` of zeroes. An operation takes up to `slowness`.
    pub fn new(blocks: u64, slowness: Tick, fault: Fault, chance: Chance) -> Arc<Self> {
        Self::numbered(7, blocks, slowness, fault, 0, chance)
    }

    /// One of several; one operation in `failures` fails, if that is not 0.
    pub fn numbered(
        number: u128,
        blocks: u64,
        slowness: Tick,
        fault: Fault,
        failures: u64,
        chance: Chance,
    ) -> Arc<Self> {
        let features =
            Features { write: true, unmap: false, unmap_zeroes: false, write_zeroes: false, volatile_cache: false };
        let (name, uuid) = (format!("volume{number}"), Uuid::from_u128(number));
        let (block_size, physical_block_size) = (BLOCK, BLOCK);
        let info = Info { name, product: "Soft volume", uuid, block_size, physical_block_size, blocks, features };
        let bytes = vec![0; (blocks * u64::from(BLOCK)) as usize];
        Arc::new(Self {
            info,
            state: Arc::new(Mutex::new(State { bytes, chance, slowness, fault, failures, undead: Vec::new() })),
        })
    }
}

impl Bdev for Volume {
    fn info(&self) -> Info {
        self.info.clone()
    }

    fn channel(&self, _: u32) -> Result<Box<dyn Channel>, String> {
        let (waiting, done) = (Vec::new(), VecDeque::new());
        Ok(Box::new(Way { state: self.state.clone(), waiting, done, now: 0 }))
    }

    fn driver_specific(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

struct Waiting {
    due: Tick,
    tag: Tag,
    op: Op,
    data: Data,
}

struct Way {
    state: Arc<Mutex<State>>,
    waiting: Vec<Waiting>,
    done: VecDeque<Done>,
    now: Tick,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn perform(&mut self, op: Op, data: &mut Data) {
        let part = |block: u64, blocks: u32| {
            let start = block as usize * BLOCK as usize;
            start..start + blocks as usize * BLOCK as usize
        };
        let now_and_then = |state: &mut Self, fault| state.fault == fault && state.chance.once_in(5);
        match op {
            Op::Read { block, blocks } => {
                let shift = u64::from(block > 0 && now_and_then(self, Fault::ReadsNeighbours));
                data.bytes_mut().copy_from_slice(&self.bytes[part(block - shift, blocks)]);
            }
            Op::Write { .. } if now_and_then(self, Fault::ForgetsWrites) => {}
            Op::Write { block, blocks, .. } => self.bytes[part(block, blocks)].copy_from_slice(data.bytes()),
            _ => {}
        }
    }

    /// Of a write that is cancelled, some blocks are written and some are not.
    fn perform_partly(&mut self, op: Op, data: &Data, now: Tick) {
        let Op::Write { block, blocks, .. } = op else { return };
        let some = self.chance.below(u64::from(blocks) + 1) as usize * BLOCK as usize;
        let start = block as usize * BLOCK as usize;
        if self.fault == Fault::WritesLater {
            self.undead.push((now + self.chance.below(4000 * super::MS), block, data.bytes().to_vec()));
        } else {
            self.bytes[start..start + some].copy_from_slice(&data.bytes()[..some]);
        }
    }

    fn rise(&mut self, now: Tick) {
        while let Some(at) = self.undead.iter().position(|(due, ..)| *due <= now) {
            let (_, block, bytes) = self.undead.swap_remove(at);
            self.bytes[block as usize * BLOCK as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
    }
}

impl Channel for Way {
    fn submit(&mut self, tag: Tag, op: Op, mut data: Data) -> Option<Done> {
        let mut state = lock(&self.state);
        state.rise(self.now);
        let (slowness, failures) = (state.slowness, state.failures);
        if state.chance.once_in(failures) {
            let status = if matches!(op, Op::Read { .. }) { Status::ReadError } else { Status::WriteError };
            state.perform_partly(op, &data, self.now);
            return Some(Done { tag, status, data });
        }
        if slowness == 0 || state.chance.once_in(3) {
            state.perform(op, &mut data);
            return Some(Done { tag, status: Status::Ok, data });
        }
        let due = if state.fault == Fault::LosesOne && state.chance.once_in(20) {
            Tick::MAX
        } else {
            self.now + state.chance.below(slowness)
        };
        self.waiting.push(Waiting { due, tag, op, data });
        None
    }

    fn cancel(&mut self, tag: Tag) {
        let mut state = lock(&self.state);
        // It may be too far gone.
        if state.chance.once_in(3) {
            return;
        }
        if let Some(at) = self.waiting.iter().position(|waiting| waiting.tag == tag && waiting.due != Tick::MAX) {
            let Waiting { tag, op, data, .. } = self.waiting.swap_remove(at);
            state.perform_partly(op, &data, self.now);
            self.done.push_back(Done { tag, status: Status::Aborted, data });
        }
    }

    fn reset(&mut self) {
        let tags: Vec<Tag> = self.waiting.iter().map(|waiting| waiting.tag).collect();
        tags.into_iter().for_each(|tag| self.cancel(tag));
    }

    fn turn(&mut self, now: Tick) {
        self.now = now;
        while let Some(at) = self.waiting.iter().position(|waiting| waiting.due <= now) {
            let Waiting { tag, op, mut data, .. } = self.waiting.swap_remove(at);
            lock(&self.state).perform(op, &mut data);
            self.done.push_back(Done { tag, status: Status::Ok, data });
        }
    }

    fn next(&mut self) -> Option<Done> {
        self.done.pop_front()
    }

    fn bell(&mut self) {}

    fn deadline(&self) -> Option<Tick> {
        if !self.done.is_empty() {
            return Some(self.now);
        }
        self.waiting.iter().map(|waiting| waiting.due).filter(|due| *due != Tick::MAX).min()
    }
}
