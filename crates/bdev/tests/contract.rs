//! The contract test can fail: each of these broken devices is caught, and a sound one is not.

use bdev::contract::{Memory, Options, Report, Violation, run};
use bdev::{Bdev, Channel, Done, Features, Gone, Info, Op, Random, Range, Status};
use dma::Data;
use ring::{Tag, Tick};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const BLOCK: usize = 512;
const BLOCKS: u64 = 90;

/// What is wrong with a device, each about once in a hundred operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    LosesWrites,
    WritesNextDoor,
    TearsWrites,
    WritesAfterAnswering,
    AnswersTwice,
    NeverAnswers,
    KeepsData,
    SwapsData,
    FailsUnasked,
    OverlooksRemoval,
    CachesPerChannel,
    SkipsClearing,
    ClearsTooMuch,
    ForgetsTheAlarm,
    LosesWhatIsCancelled,
}

struct Soft {
    disk: Arc<Mutex<Vec<u8>>>,
    gone: Gone,
    fault: Fault,
    seed: u64,
}

impl Bdev for Soft {
    fn info(&self) -> Info {
        let features =
            Features { write: true, unmap: true, unmap_zeroes: true, write_zeroes: true, volatile_cache: false };
        Info {
            name: "Soft".to_owned(),
            product: "test",
            uuid: Uuid::nil(),
            block_size: BLOCK as u32,
            physical_block_size: BLOCK as u32,
            blocks: BLOCKS,
            features,
        }
    }

    fn channel(&self, _depth: u32) -> Result<Box<dyn Channel>, String> {
        let own = self.fault == Fault::CachesPerChannel;
        let disk = if own { Arc::new(Mutex::new(vec![0; BLOCKS as usize * BLOCK])) } else { self.disk.clone() };
        Ok(Box::new(Queue {
            disk,
            gone: self.gone.clone(),
            fault: self.fault,
            random: Random::new(self.seed),
            waiting: Vec::new(),
            ended: VecDeque::new(),
            late: Vec::new(),
        }))
    }

    fn driver_specific(&self) -> Value {
        json!({})
    }

    fn removed(&self) {
        self.gone.set();
    }
}

/// Does each operation at a random later turn, in random order.
struct Queue {
    disk: Arc<Mutex<Vec<u8>>>,
    gone: Gone,
    fault: Fault,
    random: Random,
    waiting: Vec<(Tag, Op, Data)>,
    ended: VecDeque<Done>,
    /// Writes that are done after they were answered.
    late: Vec<(usize, Vec<u8>)>,
}

impl Queue {
    fn strikes(&mut self, fault: Fault) -> bool {
        self.fault == fault && self.random.one_in(50)
    }

    fn execute(&mut self, op: Op, data: &mut Data) -> Status {
        match op {
            Op::Read { block, .. } => {
                let at = block as usize * BLOCK;
                let len = data.len() as usize;
                data.bytes_mut().copy_from_slice(&self.disk.lock().unwrap()[at..at + len]);
            }
            Op::Write { block, .. } => self.write(block as usize * BLOCK, data.bytes()),
            Op::Flush | Op::Provisioning { .. } => {}
            Op::WriteZeroes { block, blocks, .. } => self.clear(block, blocks),
            Op::Unmap { ranges } => {
                let ranges: Vec<Range> = (0..ranges as usize).map(|n| Range::read(data.bytes(), n)).collect();
                ranges.iter().for_each(|range| self.clear(range.block, range.blocks));
            }
        }
        if self.strikes(Fault::FailsUnasked) { Status::ReadError } else { Status::Ok }
    }

    fn write(&mut self, mut at: usize, bytes: &[u8]) {
        let mut len = bytes.len();
        if self.strikes(Fault::LosesWrites) {
            return;
        }
        if self.strikes(Fault::WritesNextDoor) {
            at = (at + BLOCK).min(BLOCKS as usize * BLOCK - len);
        }
        if self.strikes(Fault::TearsWrites) {
            len -= BLOCK / 2;
        }
        if self.strikes(Fault::WritesAfterAnswering) {
            return self.late.push((at, bytes.to_vec()));
        }
        self.disk.lock().unwrap()[at..at + len].copy_from_slice(&bytes[..len]);
    }

    fn clear(&mut self, block: u64, blocks: u64) {
        if self.strikes(Fault::SkipsClearing) {
            return;
        }
        let more = u64::from(self.strikes(Fault::ClearsTooMuch));
        let end = (block + blocks + more).min(BLOCKS) as usize * BLOCK;
        self.disk.lock().unwrap()[block as usize * BLOCK..end].fill(0);
    }

    fn answer(&mut self, tag: Tag, status: Status, data: Data) {
        if self.strikes(Fault::NeverAnswers) {
            return std::mem::forget(data);
        }
        if self.strikes(Fault::KeepsData) && !data.is_empty() {
            std::mem::forget(data);
            return self.ended.push_back(Done { tag, status, data: Data::empty() });
        }
        self.ended.push_back(Done { tag, status, data });
        if self.strikes(Fault::AnswersTwice) {
            self.ended.push_back(Done { tag, status, data: Data::empty() });
        }
        if self.strikes(Fault::SwapsData) && self.ended.len() > 1 {
            let last = self.ended.len() - 1;
            let first = std::mem::take(&mut self.ended[0].data);
            let second = std::mem::replace(&mut self.ended[last].data, first);
            self.ended[0].data = second;
        }
    }
}

impl Channel for Queue {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        if self.gone.is_set() && self.fault != Fault::OverlooksRemoval {
            return Some(Done { tag, status: Status::Removed, data });
        }
        self.waiting.push((tag, op, data));
        None
    }

    fn cancel(&mut self, tag: Tag) {
        if let Some(place) = self.waiting.iter().position(|(waiting, ..)| *waiting == tag) {
            let (tag, _, data) = self.waiting.swap_remove(place);
            if self.fault == Fault::LosesWhatIsCancelled {
                return std::mem::forget(data);
            }
            self.ended.push_back(Done { tag, status: Status::Aborted, data });
        }
    }

    fn reset(&mut self) {
        while let Some((tag, _, data)) = self.waiting.pop() {
            self.ended.push_back(Done { tag, status: Status::Aborted, data });
        }
    }

    fn turn(&mut self, _now: Tick) {
        for (at, bytes) in std::mem::take(&mut self.late) {
            self.disk.lock().unwrap()[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        for _ in 0..self.random.below(8) {
            if self.waiting.is_empty() {
                return;
            }
            let place = self.random.below(self.waiting.len() as u64) as usize;
            let (tag, op, mut data) = self.waiting.swap_remove(place);
            let status = self.execute(op, &mut data);
            self.answer(tag, status, data);
        }
    }

    fn next(&mut self) -> Option<Done> {
        self.ended.pop_front()
    }

    fn bell(&mut self) {}

    fn deadline(&self) -> Option<Tick> {
        (self.fault != Fault::ForgetsTheAlarm).then_some(0)
    }
}

fn test(fault: Fault) -> Result<Report, Violation> {
    let options = Options { memory: Memory::Zeroed, patience: Duration::from_millis(50), ..Options::default() };
    let mut seed = 0;
    run(&options, move || {
        seed += 1;
        let disk = Arc::new(Mutex::new(vec![0; BLOCKS as usize * BLOCK]));
        Arc::new(Soft { disk, gone: Gone::default(), fault, seed })
    })
}

#[test]
fn a_sound_device_passes_and_was_tested() {
    let report = test(Fault::Nothing).unwrap();
    assert!(report.operations > 20_000 && report.compared > 20_000, "{report:?}");
    assert!(report.aborted > 500 && report.removed > 500, "{report:?}");
}

#[test]
fn every_broken_device_is_caught_for_what_it_does() {
    use Fault::*;
    for fault in
        [LosesWrites, WritesNextDoor, TearsWrites, WritesAfterAnswering, CachesPerChannel, SkipsClearing, ClearsTooMuch]
    {
        let found = test(fault);
        assert!(matches!(found, Err(Violation::Content { .. })), "{fault:?}: {found:?}");
    }
    for fault in [KeepsData, SwapsData] {
        let found = test(fault);
        assert!(matches!(found, Err(Violation::Memory { .. })), "{fault:?}: {found:?}");
    }
    for fault in [NeverAnswers, LosesWhatIsCancelled] {
        let found = test(fault);
        assert!(matches!(found, Err(Violation::Lost { .. })), "{fault:?}: {found:?}");
    }
    for fault in [FailsUnasked, OverlooksRemoval] {
        let found = test(fault);
        assert!(matches!(found, Err(Violation::Status { .. })), "{fault:?}: {found:?}");
    }
    let found = test(ForgetsTheAlarm);
    assert!(matches!(found, Err(Violation::Sleeps { .. })), "{found:?}");
    let found = test(AnswersTwice);
    assert!(matches!(found, Err(Violation::NotInFlight { .. })), "{found:?}");
}
