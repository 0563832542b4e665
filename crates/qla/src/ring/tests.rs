//! The rings against a device that is played by hand.

use super::*;
use dma::{Backing, Options};
use std::sync::Mutex;
use wire::isp::regs::{
    HCCR, QUEUE_ATIO_OUT, QUEUE_REQUEST_IN, QUEUE_REQUEST_OUT, QUEUE_RESPONSE_IN, QUEUE_RESPONSE_OUT,
};

const LENGTH: u16 = 16;
const QUEUE: u16 = 3;

/// Registers that remember, and say what was done.
#[derive(Default)]
struct Bar {
    words: Mutex<std::collections::HashMap<u32, u32>>,
    log: Mutex<Vec<(char, u32, u32)>>,
}

impl Bar {
    fn put(&self, offset: u32, value: u32) {
        self.words.lock().unwrap().insert(offset, value);
    }
    fn writes(&self) -> Vec<(u32, u32)> {
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        log.into_iter().filter(|(kind, ..)| *kind == 'w').map(|(_, offset, value)| (offset, value)).collect()
    }
}

impl Registers for Bar {
    fn read16(&self, _: u32) -> u16 {
        unreachable!("pointers are 32 bits wide")
    }
    fn write16(&self, _: u32, _: u16) {
        unreachable!("pointers are 32 bits wide")
    }
    fn read32(&self, offset: u32) -> u32 {
        let value = self.words.lock().unwrap().get(&offset).copied().unwrap_or_default();
        self.log.lock().unwrap().push(('r', offset, value));
        value
    }
    fn write32(&self, offset: u32, value: u32) {
        self.put(offset, value);
        self.log.lock().unwrap().push(('w', offset, value));
    }
}

fn arena() -> Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

fn offset(queue: u16, register: u64) -> u32 {
    queue_register(queue, register) as u32
}

/// Entry `n`, of `count` slots.
fn entry(n: u32, count: u8) -> Entry {
    let mut entry = [0; ENTRY_BYTES];
    entry[0] = 0x12;
    entry[1] = count;
    entry[4..8].copy_from_slice(&n.to_le_bytes());
    entry[60..].copy_from_slice(&n.to_le_bytes());
    entry
}

fn number(entry: &Entry) -> u32 {
    u32::from_le_bytes(entry[4..8].try_into().unwrap())
}

/// The device's side of a ring: its pointer, by shadow or by register.
struct Far {
    bar: Arc<Bar>,
    region: Region,
    shadow: bool,
    at: u16,
}

impl Far {
    fn tell(&self, register: u64, value: u16) {
        if self.shadow {
            self.region.write(usize::from(LENGTH) * ENTRY_BYTES, &value.to_le_bytes());
        } else {
            self.bar.put(offset(QUEUE, register), value.into());
        }
    }

    /// Fetches what the doorbell says is there.
    fn fetch(&mut self) -> Vec<Entry> {
        let end = self.bar.words.lock().unwrap()[&offset(QUEUE, QUEUE_REQUEST_IN)] as u16;
        let mut got = Vec::new();
        while self.at != end {
            let mut entry = [0; ENTRY_BYTES];
            self.region.read(usize::from(self.at) * ENTRY_BYTES, &mut entry);
            got.push(entry);
            self.at = (self.at + 1) % LENGTH;
        }
        self.tell(QUEUE_REQUEST_OUT, self.at);
        got
    }

    /// Fills response slots, and moves the pointer once behind all of them.
    fn complete(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.region.write(usize::from(self.at) * ENTRY_BYTES, entry);
            self.at = (self.at + 1) % LENGTH;
        }
        self.tell(QUEUE_RESPONSE_IN, self.at);
    }
}

fn request(shadow: bool) -> (RequestRing, Far) {
    let bar = Arc::new(Bar::default());
    let mut ring = RequestRing::new(&arena(), bar.clone(), QUEUE, LENGTH, shadow).unwrap();
    ring.reset();
    bar.writes();
    let region = ring.region();
    (ring, Far { bar, region, shadow, at: 0 })
}

fn response(shadow: bool) -> (ResponseRing, Far) {
    let bar = Arc::new(Bar::default());
    let mut ring = ResponseRing::new(&arena(), bar.clone(), QUEUE, LENGTH, shadow).unwrap();
    ring.reset();
    bar.writes();
    let region = ring.region();
    (ring, Far { bar, region, shadow, at: 0 })
}

#[test]
fn iocbs_with_continuations_wrap_at_every_offset() {
    for shadow in [true, false] {
        for start in 0..LENGTH {
            for count in 1..=usize::from(LENGTH - KEPT) {
                let (mut ring, mut far) = request(shadow);
                for n in 0..start {
                    assert!(ring.push(&[entry(n.into(), 1)]));
                    ring.flush();
                    assert_eq!(far.fetch().len(), 1);
                }
                let group: Vec<_> = (0..count as u32).map(|n| entry(100 + n, 1)).collect();
                assert!(ring.push(&group), "{count} from {start}");
                ring.flush();
                assert_eq!(far.fetch(), group);
            }
        }
    }
}

/// Slots that a request ring keeps free.
const KEPT: u16 = 2;

#[test]
fn a_full_ring_takes_nothing_until_the_device_fetched() {
    for shadow in [true, false] {
        let (mut ring, mut far) = request(shadow);
        let most = usize::from(LENGTH - KEPT);
        assert_eq!(ring.room(), most);
        (0..most as u32).for_each(|n| assert!(ring.push(&[entry(n, 1)])));
        assert!(!ring.push(&[entry(99, 1)]));
        assert!(ring.push(&[]), "nothing has room always");
        ring.flush();
        let got = far.fetch();
        assert_eq!(got.iter().map(number).collect::<Vec<_>>(), (0..most as u32).collect::<Vec<_>>());
        assert_eq!(ring.room(), most);
        let pair = [entry(1, 2), entry(2, 1)];
        (0..most / 2).for_each(|_| assert!(ring.push(&pair)));
        assert!(!ring.push(&pair), "either all of an IOCB or nothing");
        ring.flush();
        assert_eq!(far.fetch().len(), most);
        assert_eq!(ring.faults(), 0);
    }
}

#[test]
fn one_doorbell_for_a_batch_and_none_for_nothing() {
    let (mut ring, far) = request(true);
    ring.flush();
    assert_eq!(far.bar.writes(), []);
    (0..5).for_each(|n| assert!(ring.push(&[entry(n, 1)])));
    ring.flush();
    ring.flush();
    assert_eq!(far.bar.writes(), [(offset(QUEUE, QUEUE_REQUEST_IN), 5)]);
    assert_eq!(ring.doorbells(), 1);
}

#[test]
fn a_2031_is_read_after_the_doorbell() {
    let (mut ring, far) = request(false);
    let bar0 = Arc::new(Bar::default());
    ring.flush_reads(bar0.clone());
    assert!(ring.push(&[entry(1, 1)]));
    ring.flush();
    assert_eq!(far.bar.writes().len(), 1);
    assert_eq!(*bar0.log.lock().unwrap(), [('r', HCCR as u32, 0)]);
}

#[test]
fn a_pointer_that_cannot_be_moves_nothing() {
    for shadow in [true, false] {
        let (mut ring, far) = request(shadow);
        (0..6).for_each(|n| assert!(ring.push(&[entry(n, 1)])));
        ring.flush();
        far.tell(QUEUE_REQUEST_OUT, 4);
        assert_eq!(ring.room(), usize::from(LENGTH - 2 - KEPT));
        // Behind where it was, beyond what there is, outside of the ring.
        for lie in [3, 7, 15, 16, 0xffff] {
            far.tell(QUEUE_REQUEST_OUT, lie);
            assert_eq!(ring.room(), usize::from(LENGTH - 2 - KEPT), "{lie}");
        }
        assert_eq!(ring.faults(), 5);
        far.tell(QUEUE_REQUEST_OUT, 6);
        assert_eq!(ring.room(), usize::from(LENGTH - KEPT));
    }
}

#[test]
fn responses_come_in_order_over_many_wraps_and_the_pointer_once_a_batch() {
    for shadow in [true, false] {
        let (mut ring, mut far) = response(shadow);
        let mut n = 0;
        for batch in (1..usize::from(LENGTH)).cycle().take(100) {
            let entries: Vec<_> = (0..batch).map(|more| entry(n + more as u32, 1)).collect();
            far.complete(&entries);
            assert_eq!(usize::from(ring.available()), batch);
            for expected in &entries {
                assert_eq!(ring.next().as_ref(), Some(expected));
            }
            assert!(ring.next().is_none());
            far.bar.writes();
            ring.flush();
            ring.flush();
            assert_eq!(far.bar.writes(), [(offset(QUEUE, QUEUE_RESPONSE_OUT), far.at.into())]);
            n += batch as u32;
        }
        assert_eq!(ring.faults(), 0);
    }
}

#[test]
fn both_the_pointer_and_the_signature_must_say_that_an_entry_is_there() {
    for shadow in [true, false] {
        let (mut ring, mut far) = response(shadow);
        // Written, but not told.
        far.region.write(0, &entry(1, 1));
        assert!(ring.next().is_none());
        // Told, and the second one is not written.
        far.tell(QUEUE_RESPONSE_IN, 2);
        assert_eq!(ring.next().as_ref().map(number), Some(1));
        assert!(ring.next().is_none());
        far.at = 1;
        far.complete(&[entry(2, 1)]);
        assert_eq!(ring.next().as_ref().map(number), Some(2));
        // Each slot that was taken is marked: a pointer that goes around brings nothing back.
        far.tell(QUEUE_RESPONSE_IN, 1);
        assert!(ring.next().is_none());
        assert!(far.region.eq(SIGNATURE, &PROCESSED.to_le_bytes()));
        // One that is none.
        for lie in [LENGTH, 0xffff] {
            let (mut ring, far) = response(shadow);
            far.region.write(0, &entry(1, 1));
            far.tell(QUEUE_RESPONSE_IN, lie);
            assert!(ring.next().is_none());
            assert!(ring.faults() > 0);
        }
    }
}

#[test]
fn an_empty_ring_reads_no_register() {
    let (mut ring, mut far) = response(false);
    assert!(ring.next().is_none() && !ring.is_pending());
    assert!(far.bar.log.lock().unwrap().is_empty());
    far.complete(&[entry(1, 1), entry(2, 1)]);
    assert!(ring.is_pending());
    assert_eq!(std::iter::from_fn(|| ring.next()).count(), 2);
    assert_eq!(far.bar.log.lock().unwrap().len(), 1, "one look for both");
}

#[test]
fn the_out_pointer_may_wait_until_it_is_worth_a_write() {
    let (mut ring, mut far) = response(true);
    far.complete(&[entry(1, 1)]);
    assert!(ring.next().is_some());
    ring.flush_some();
    assert_eq!(far.bar.writes(), []);
    far.complete(&[entry(2, 1)]);
    assert!(ring.next().is_some());
    ring.flush_some();
    assert_eq!(far.bar.writes(), [(offset(QUEUE, QUEUE_RESPONSE_OUT), 2)]);
}

fn atio() -> (AtioRing, Arc<Bar>, Region) {
    let bar = Arc::new(Bar::default());
    let mut ring = AtioRing::new(&arena(), bar.clone(), LENGTH).unwrap();
    ring.reset();
    bar.writes();
    let region = ring.region();
    (ring, bar, region)
}

/// Later slots first, as the adapter does.
fn deliver(region: &Region, at: &mut u16, entries: &[Entry]) {
    for (place, entry) in entries.iter().enumerate().rev() {
        let slot = (usize::from(*at) + place) % usize::from(LENGTH);
        region.write(slot * ENTRY_BYTES, entry);
    }
    *at = (*at + entries.len() as u16) % LENGTH;
}

#[test]
fn groups_come_whole_and_wrap_at_every_offset() {
    for start in 0..LENGTH {
        for count in 1..LENGTH as u8 {
            let (mut ring, bar, region) = atio();
            let (mut at, mut group) = (0, Group::default());
            for n in 0..start {
                deliver(&region, &mut at, &[entry(n.into(), 1)]);
                assert!(ring.is_pending() && ring.next(&mut group));
                assert_eq!((number(group.first()), group.entries().len()), (n.into(), 1));
            }
            let entries: Vec<_> = (0..count).map(|n| entry(n.into(), if n == 0 { count } else { 77 })).collect();
            deliver(&region, &mut at, &entries);
            assert!(ring.next(&mut group));
            assert_eq!(group.entries(), entries);
            assert_eq!(group.bytes().len(), usize::from(count) * ENTRY_BYTES);
            assert!(!ring.next(&mut group) && !ring.is_pending());
            bar.writes();
            ring.flush();
            ring.flush();
            assert_eq!(bar.writes(), [(offset(0, QUEUE_ATIO_OUT), at.into())]);
            assert_eq!(ring.faults(), 0);
        }
    }
}

#[test]
fn a_count_that_is_not_true_takes_only_what_is_there() {
    let mut group = Group::default();
    for lie in [0, 4, 100, 255] {
        let (mut ring, _, region) = atio();
        let mut at = 0;
        deliver(&region, &mut at, &[entry(1, lie), entry(2, 1), entry(3, 1)]);
        assert!(ring.next(&mut group));
        assert_eq!(group.entries().len(), if lie == 0 { 1 } else { 3 }, "{lie}");
        assert_eq!(ring.faults(), u64::from(lie != 0));
        let left = std::iter::from_fn(|| ring.next(&mut group).then(|| number(group.first()))).collect::<Vec<_>>();
        assert_eq!(left, if lie == 0 { vec![2, 3] } else { vec![] });
        deliver(&region, &mut at, &[entry(9, 1)]);
        assert!(ring.next(&mut group));
        assert_eq!(number(group.first()), 9, "and goes on where the device does");
    }
}

#[test]
fn after_a_reset_nothing_of_before_is_there() {
    let (mut ring, mut far) = response(true);
    far.complete(&[entry(1, 1), entry(2, 1)]);
    assert!(ring.next().is_some());
    ring.reset();
    assert!(ring.next().is_none());
    far.at = 0;
    far.complete(&[entry(3, 1)]);
    assert_eq!(ring.next().as_ref().map(number), Some(3));

    let (mut ring, mut far) = request(true);
    assert!(ring.push(&[entry(1, 1)]));
    ring.reset();
    far.bar.writes();
    ring.flush();
    assert_eq!(far.bar.writes(), [], "what was not told is forgotten");
    assert!(ring.push(&[entry(2, 1)]));
    ring.flush();
    assert_eq!(far.fetch().iter().map(number).collect::<Vec<_>>(), [2]);

    let (mut ring, _, region) = atio();
    let (mut at, mut group) = (0, Group::default());
    deliver(&region, &mut at, &[entry(1, 1), entry(2, 1)]);
    assert!(ring.next(&mut group));
    ring.reset();
    assert!(!ring.next(&mut group));
}
