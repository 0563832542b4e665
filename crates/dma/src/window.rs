//! A device's view of an arena: memory by address.
use crate::{Arena, copy};
use std::sync::Arc;

/// What a device inside this process reaches: all parts of an arena, by their addresses, those added later too.
///
/// As with a real device, nobody else may rely on bytes while they are the device's to write: whoever tells a device of a
/// [`crate::Data`] borrows nothing of it until the device is done.
#[derive(Debug, Clone)]
pub struct Window {
    arena: Arc<Arena>,
    /// Address and length of the parts known, by address.
    known: Vec<(u64, u64)>,
}

impl Window {
    pub(crate) fn new(arena: Arc<Arena>) -> Window {
        let known = arena.places();
        Window { arena, known }
    }

    /// Copies memory to `into`; false if some of it is not there (then `into` may be filled in part). Aligned values of 2, 4 and 8
    /// bytes are read in one piece. What is read by a later call is not older.
    pub fn read(&mut self, address: u64, into: &mut [u8]) -> bool {
        let mut done = 0;
        while done < into.len() {
            let Some(room) = self.room(address.wrapping_add(done as u64)) else { return false };
            let end = into.len().min(done.saturating_add(room));
            let piece = &mut into[done..end];
            let from = std::ptr::with_exposed_provenance(address as usize + done);
            // SAFETY: `room` bytes from there are mapped as long as the arena, which is held; other accesses are those of rule 4.
            unsafe { copy::device_read(from, piece.as_mut_ptr(), piece.len()) };
            done = end;
        }
        true
    }

    /// Copies `from` to memory; false if some of it is not there (then a part may be written). Aligned values of 2, 4 and 8 bytes are
    /// written in one piece, and what is written by a later call is seen later.
    pub fn write(&mut self, address: u64, from: &[u8]) -> bool {
        let mut done = 0;
        while done < from.len() {
            let Some(room) = self.room(address.wrapping_add(done as u64)) else { return false };
            let end = from.len().min(done.saturating_add(room));
            let piece = &from[done..end];
            let to = std::ptr::with_exposed_provenance_mut(address as usize + done);
            // SAFETY: as in `read`.
            unsafe { copy::device_write(piece.as_ptr(), to, piece.len()) };
            done = end;
        }
        true
    }

    /// Bytes that are there from an address on, up to the end of their part.
    fn room(&mut self, address: u64) -> Option<usize> {
        if let Some(room) = self.find(address) {
            return Some(room);
        }
        let now = self.arena.places();
        if now.len() == self.known.len() {
            return None;
        }
        self.known = now;
        self.find(address)
    }

    fn find(&self, address: u64) -> Option<usize> {
        let after = self.known.partition_point(|(start, _)| *start <= address);
        let (start, len) = *self.known.get(after.checked_sub(1)?)?;
        (start + len).checked_sub(address).filter(|room| *room > 0).map(|room| room as usize)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Arena, Backing, Class, HUGE_PAGE, Options, Pool};

    fn arena() -> std::sync::Arc<Arena> {
        Arena::new(Options { backing: Backing::Ordinary, single_file: true, reserve: 0 }).unwrap()
    }

    #[test]
    fn a_device_reads_and_writes_what_its_driver_sees() {
        let arena = arena();
        let ring = arena.region(8192).unwrap();
        let mut pool = Pool::new(&arena, &[Class { size: 4096, count: 2 }]).unwrap();
        let mut data = pool.take(4096).unwrap();
        let mut window = Arena::window(&arena);
        data.bytes_mut().fill(0x5A);
        let mut got = [0; 4096];
        assert!(window.read(data.address(), &mut got) && got == [0x5A; 4096]);
        assert!(window.write(ring.address(64), &0x1234_5678u32.to_le_bytes()));
        assert_eq!((ring.load32(64), ring.load16(66)), (0x1234_5678, 0x1234));
        ring.store32(4096, 77);
        let mut word = [0; 4];
        assert!(window.read(ring.address(4096), &mut word) && word == 77u32.to_le_bytes());
        pool.give(data);
    }

    #[test]
    fn memory_is_where_every_iommu_reaches_and_ranges_go_over_parts() {
        let arena = arena();
        let regions: Vec<_> = (0..8).map(|_| arena.region(HUGE_PAGE).unwrap()).collect();
        let parts = arena.parts().unwrap();
        assert!(parts.iter().all(|part| part.address + part.len < 1 << 39), "{parts:?}");
        let ends = |at: u64| parts.iter().any(|part| part.address + part.len == at);
        let border = parts.iter().map(|part| part.address).find(|at| ends(*at)).expect("eight parts in a row");
        let mut window = Arena::window(&arena);
        assert!(window.write(border - 50, &[5; 100]));
        let mut got = [0; 102];
        assert!(window.read(border - 51, &mut got));
        assert_eq!((got[0], &got[1..101], got[101]), (0, &[5; 100][..], 0));
        drop(regions);
    }

    #[test]
    fn growth_is_seen_and_nothing_outside() {
        let arena = arena();
        let mut window = Arena::window(&arena);
        assert!(!window.read(0x1000, &mut [0; 4]) && !window.write(u64::MAX - 1, &[0; 4]));
        assert!(window.read(0x1000, &mut []), "no bytes are everywhere");
        let region = arena.region(HUGE_PAGE).unwrap();
        assert!(window.write(region.address(HUGE_PAGE - 1), &[9]));
        assert!(!window.read(region.address(0) - 1, &mut [0; 1]));
        let last = arena.parts().unwrap().iter().map(|part| part.address + part.len).max().unwrap();
        assert!(!window.read(last - 1, &mut [0; 2]));
        let mut byte = [0];
        region.read(HUGE_PAGE - 1, &mut byte);
        assert_eq!(byte, [9]);
    }
}
