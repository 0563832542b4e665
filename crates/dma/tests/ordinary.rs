//! Arenas, regions, pools and handles on ordinary memory.
use dma::{Arena, Backing, Class, Data, Error, HUGE_PAGE, Options, PAGE, Pool};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

fn arena(single_file: bool, reserve: usize) -> Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file, reserve }).unwrap()
}

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

const CLASSES: [Class; 2] = [Class { size: 8192, count: 2 }, Class { size: 100, count: 3 }];

#[test]
fn a_pool_gives_the_smallest_that_fits_then_larger_then_none() {
    let mut pool = Pool::new(&arena(false, 0), &CLASSES).unwrap();
    assert_eq!(pool.largest(), 8192);
    let held: Vec<Data> = std::iter::from_fn(|| pool.take(1000)).collect();
    assert_eq!(held.len(), 5, "three small ones, then two large ones");
    let free: Vec<u32> = pool.census().free.iter().map(|class| class.count).collect();
    assert_eq!(free, [0, 0]);
    assert!(held.iter().all(|d| d.len() == 1000 && d.as_ptr().addr().is_multiple_of(PAGE)));
    held.into_iter().for_each(|d| pool.give(d));
    assert_eq!(pool.census().free, pool.census().total);
    assert_eq!(pool.census().total, [Class { size: 4096, count: 3 }, Class { size: 8192, count: 2 }]);
    assert!(pool.take(8193).is_none(), "longer than any");
}

#[test]
fn pieces_do_not_overlap() {
    let mut pool = Pool::new(&arena(false, 0), &CLASSES).unwrap();
    let mut held: Vec<Data> = [4096, 4096, 4096, 8192, 8192].iter().map(|&n| pool.take(n).unwrap()).collect();
    for (i, data) in held.iter_mut().enumerate() {
        data.bytes_mut().fill(i as u8);
    }
    for (i, data) in held.into_iter().enumerate() {
        assert!(data.bytes().iter().all(|&b| b == i as u8));
        pool.give(data);
    }
    assert!(pool.is_whole());
}

#[test]
fn nothing_asked_for_is_nothing_given() {
    let arena = arena(false, 0);
    let mut pool = Pool::new(&arena, &[]).unwrap();
    let data = pool.take(0).unwrap();
    assert!(data.is_empty() && !data.is_lent() && data.bytes().is_empty());
    pool.give(data);
    assert!(pool.take(1).is_none() && pool.largest() == 0);
    let region = arena.region(0).unwrap();
    assert_eq!((region.len(), region.lend(0, 0).len()), (0, 0));
    assert!(region.eq(0, &[]));
}

#[test]
fn shortening_keeps_the_piece_whole() {
    let mut pool = Pool::new(&arena(false, 0), &CLASSES[..1]).unwrap();
    let mut data = pool.take(8000).unwrap();
    data.truncate(10);
    assert_eq!(data.bytes().len(), 10);
    assert!(panics(|| data.truncate(11)));
    pool.give(data);
    let again = pool.take(8192).unwrap();
    assert_eq!((again.len(), pool.size_of(&again), pool.size()), (8192, 8192, 2 * 8192));
    assert_eq!(pool.size_of(&Data::empty()), 0);
    pool.give(again);
}

#[test]
fn what_is_not_of_this_pool_is_refused_or_welcome() {
    let arena = arena(false, 0);
    let mut one = Pool::new(&arena, &CLASSES).unwrap();
    let mut other = Pool::new(&arena, &CLASSES).unwrap();
    let region = arena.region(4096).unwrap();
    one.give(region.lend(0, 512));
    one.give(Data::empty());
    let data = one.take(5).unwrap();
    assert!(panics(|| other.give(data)));
    assert!(other.is_whole() && !one.is_whole());
}

#[test]
fn a_lost_piece_is_reported_in_debug_builds_but_never_while_unwinding() {
    let mut pool = Pool::new(&arena(false, 0), &CLASSES).unwrap();
    let data = pool.take(5).unwrap();
    assert_eq!(panics(|| drop(data)), cfg!(debug_assertions));
    let data = pool.take(5).unwrap();
    let message = catch_unwind(AssertUnwindSafe(|| {
        let _held = data;
        panic!("the first");
    }));
    assert_eq!(message.unwrap_err().downcast_ref::<&str>(), Some(&"the first"));
}

#[test]
fn a_pool_gone_before_its_pieces_leaves_them_good() {
    let arena = arena(false, 0);
    let mut pool = Pool::new(&arena, &CLASSES).unwrap();
    let mut data = pool.take(4096).unwrap();
    drop(pool);
    drop(arena);
    data.bytes_mut().fill(9);
    assert!(data.bytes().iter().all(|&b| b == 9));
    std::mem::forget(data);
}

#[test]
fn a_region_reads_what_was_written_and_zeroes_elsewhere() {
    let region = arena(false, 0).region(20_000).unwrap();
    let pattern: Vec<u8> = (0..9_001u32).map(|i| (i % 251) as u8).collect();
    region.write(777, &pattern);
    assert!(region.eq(777, &pattern) && !region.eq(776, &pattern));
    assert!(region.eq(0, &[0; 777]) && region.eq(9778, &[0; 10_222]));
    let mut back = vec![0; 9_001];
    region.read(777, &mut back);
    assert_eq!(back, pattern);
    region.zero(800, 4500);
    assert!(region.eq(800, &[0; 4500]) && region.eq(777, &pattern[..23]) && region.eq(5300, &pattern[4523..]));
}

#[test]
fn out_of_bounds_is_a_panic_not_an_access() {
    let region = arena(false, 0).region(5000).unwrap();
    assert!(panics(|| region.write(4999, &[1, 2])));
    assert!(panics(|| region.read(5001, &mut [])));
    assert!(panics(|| region.zero(usize::MAX, 2)));
    assert!(panics(|| drop(region.lend(1, 5000))));
    region.write(5000, &[]);
    assert!(region.eq(0, &[0; 5000]));
}

#[test]
fn lending_shows_the_memory_itself() {
    let region = arena(false, 0).region(8192).unwrap();
    let lent = region.lend(4096, 512);
    region.write(4096, &[7; 512]);
    let mut seen = [0; 500];
    lent.copy_to(12, &mut seen);
    assert_eq!(seen, [7; 500]);
    assert!(
        lent.is_lent()
            && panics(|| {
                lent.bytes();
            })
            && panics(|| lent.copy_to(13, &mut seen))
    );
    region.copy_in(0, &lent);
    assert!(region.eq(0, &[7; 512]));
    assert!(panics(|| region.copy_in(4000, &lent)), "onto itself");
}

#[test]
fn copies_between_regions_and_pieces() {
    let arena = arena(false, 0);
    let region = arena.region(8192).unwrap();
    let mut pool = Pool::new(&arena, &CLASSES).unwrap();
    let mut data = pool.take(700).unwrap();
    data.bytes_mut().fill(3);
    region.copy_in(100, &data);
    assert!(region.eq(100, &[3; 700]) && region.eq(800, &[0; 10]));
    region.write(100, &[4]);
    region.copy_out(100, &mut data);
    assert_eq!(data.bytes()[..2], [4, 3]);
    let mut tail = [0; 3];
    data.copy_to(697, &mut tail);
    assert_eq!(tail, [3; 3]);
    let mut lent = region.lend(0, 10);
    assert!(panics(|| region.copy_out(0, &mut lent)));
    pool.give(data);
}

#[test]
fn memory_comes_back_zeroed_and_is_used_again() {
    for single_file in [false, true] {
        let arena = arena(single_file, 4 * HUGE_PAGE);
        for len in [5000, PAGE, 3 * HUGE_PAGE, HUGE_PAGE + 1, 300_000] {
            let region = arena.region(len).unwrap();
            assert!(region.eq(0, &vec![0; len]), "{len}");
            region.write(0, &vec![0xAB; len]);
        }
        let usage = arena.usage();
        assert_eq!((usage.mapped, usage.used), (4 * HUGE_PAGE, 0), "one after the other they fit into the same memory");
    }
}

#[test]
fn memory_lent_waits_for_its_return_even_from_another_thread() {
    let arena = arena(false, 0);
    let region = arena.region(HUGE_PAGE).unwrap();
    region.write(0, &[5; 4096]);
    let (one, two) = (region.lend(0, 4096), region.lend(0, 64));
    drop(region);
    assert_eq!(arena.usage().used, HUGE_PAGE);
    let other = arena.region(HUGE_PAGE).unwrap();
    other.write(0, &[6; 4096]);
    let mut seen = [0; 64];
    one.copy_to(0, &mut seen);
    assert_eq!(seen, [5; 64], "not the new owner's bytes");
    std::thread::spawn(move || drop(one)).join().unwrap();
    assert_eq!(arena.usage().used, 2 * HUGE_PAGE);
    drop(two);
    assert_eq!(arena.usage().used, HUGE_PAGE);
}

#[test]
fn lent_memory_outlives_the_arena() {
    let region = arena(false, 0).region(4096).unwrap();
    region.write(0, &[8; 16]);
    let lent = region.lend(0, 16);
    drop(region);
    let mut seen = [0; 16];
    lent.copy_to(0, &mut seen);
    assert_eq!(seen, [8; 16]);
}

#[test]
fn cores_that_collide_get_mixed_bytes_and_nothing_else() {
    let region = arena(false, 0).region(4096).unwrap();
    std::thread::scope(|threads| {
        for byte in [1u8, 2] {
            let region = region.clone();
            threads.spawn(move || (0..2000).for_each(|_| region.write(0, &[byte; 4096])));
        }
        let mut seen = [0; 4096];
        for _ in 0..2000 {
            region.read(0, &mut seen);
            assert!(seen.iter().all(|&b| b <= 2));
        }
    });
    assert!(region.eq(0, &[1; 1]) || region.eq(0, &[2; 1]));
}

#[test]
fn more_than_the_system_has_is_refused_with_the_figures() {
    let refused = arena(false, 0).region(1 << 50).unwrap_err();
    let Error::TooLittle { needed, found, page_size, .. } = refused else { panic!("{refused}") };
    assert!(needed == 1 << 50 && found > 0 && found < needed && page_size == PAGE);
    assert!(refused.to_string().contains("1048576 GiB needed"), "{refused}");
}
