//! Who is told of an arena's parts, and what a refusal does.

use dma::{Arena, Backing, Error, HUGE_PAGE, Options, Part, Watcher};
use std::sync::{Arc, Mutex, Weak};

#[derive(Default)]
struct Log {
    told: Mutex<Vec<(u64, u64)>>,
    withdrawn: Mutex<usize>,
    room: Mutex<usize>,
}

impl Watcher for Log {
    fn added(&self, part: &Part) -> Result<(), String> {
        let (file, _) = part.file.as_ref().expect("a single file");
        assert!(std::fs::File::from(file.try_clone().unwrap()).metadata().unwrap().len() >= part.len);
        let mut told = self.told.lock().unwrap();
        if told.len() == *self.room.lock().unwrap() {
            return Err("its table is full".into());
        }
        told.push((part.address, part.len));
        Ok(())
    }

    fn withdrawn(&self, _: &Part) {
        *self.withdrawn.lock().unwrap() += 1;
    }
}

fn watcher(room: usize) -> Arc<Log> {
    Arc::new(Log { room: Mutex::new(room), ..Log::default() })
}

fn weak(log: &Arc<Log>) -> Weak<dyn Watcher> {
    let weak: Weak<Log> = Arc::downgrade(log);
    weak
}

#[test]
fn a_watcher_is_told_of_all_parts_and_its_refusal_stops_growth_and_nothing_else() {
    let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: true, reserve: HUGE_PAGE }).unwrap();
    let (wide, narrow) = (watcher(9), watcher(2));
    arena.watch(weak(&wide)).unwrap();
    arena.watch(weak(&narrow)).unwrap();
    let big = arena.region(3 * HUGE_PAGE).unwrap();
    let told = narrow.told.lock().unwrap().clone();
    assert!(told.iter().any(|(at, len)| *at <= big.address(0) && big.address(0) < at + len), "before it is used");
    assert_eq!((told.len(), arena.parts().unwrap().len()), (2, 2));
    let refused = arena.region(8 * HUGE_PAGE).unwrap_err();
    assert!(matches!(&refused, Error::Unreachable { reason } if reason == "its table is full"), "{refused}");
    assert_eq!((*wide.withdrawn.lock().unwrap(), arena.parts().unwrap().len()), (1, 2), "who agreed is told");
    drop(narrow);
    let more = arena.region(8 * HUGE_PAGE).unwrap();
    more.write(8 * HUGE_PAGE - 1, &[1]);
    assert!(arena.watch(weak(&watcher(1))).is_err(), "it cannot have what there is");
}
