//! The I/O path allocates nothing: an allocator that counts, and everything that a core does for an I/O.
use dma::{Arena, Backing, Class, Options, Pool};
use os::{Epoll, Flush, Interest, Ready, SendQueue, Uring, receive};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes every request on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread while `f` runs, after it ran once to warm up.
fn allocations(mut f: impl FnMut()) -> usize {
    f();
    let before = COUNT.get();
    f();
    COUNT.get() - before
}

fn arena() -> std::sync::Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

#[test]
fn the_count_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn a_connection_allocates_nothing() {
    let arena = arena();
    let mut pool = Pool::new(&arena, &[Class { size: 8192, count: 32 }]).unwrap();
    let region = arena.region(1 << 20).unwrap();
    let (from, to) = UnixStream::pair().unwrap();
    nix::sys::socket::setsockopt(&from, nix::sys::socket::sockopt::SndBuf, &20_000).unwrap();
    let mut out = SendQueue::new(4096, 64);
    let mut sink = vec![0; 65536];
    let epoll = Epoll::new().unwrap();
    epoll.add(to.as_fd(), 1, Interest::READ).unwrap();
    let (mut ready, mut blocked) = ([Ready::NONE; 4], 0);
    let count = allocations(|| {
        for i in 0..1000 {
            while !out.room() || pool.take(1).map(|data| pool.give(data)).is_none() {
                blocked += usize::from(out.flush(from.as_fd()).unwrap() == Flush::Blocked);
                epoll.wait(&mut ready, Some(Duration::from_micros(1))).unwrap();
                receive(to.as_fd(), &mut sink).unwrap();
                while let Some((_, data)) = out.next_sent() {
                    pool.give(data);
                }
            }
            out.header(&[1; 24]);
            match i % 3 {
                0 => out.data_lent(region.lend(i * 512, 8192), 512),
                1 => out.data(pool.take(5000).unwrap()),
                _ => {}
            }
            out.end(i);
        }
    });
    assert_eq!(count, 0);
    assert!(blocked > 100, "partial sends were among it");
    out.abandon();
    while let Some((_, data)) = out.next_sent() {
        pool.give(data);
    }
}

#[test]
fn a_file_allocates_nothing() {
    let Ok(mut ring) = Uring::new(16, 1) else {
        println!("not tested: io_uring cannot be had");
        assert!(Uring::new(16, 1).is_err());
        return;
    };
    let mut pool = Pool::new(&arena(), &[Class { size: 4096, count: 16 }]).unwrap();
    let plain = tempfile::tempfile().unwrap();
    let file = ring.register(plain.as_fd()).unwrap();
    let mut done = 0;
    let count = allocations(|| {
        for i in 0..200 {
            while ring.room() > 0 {
                ring.write(file, i * 4096, pool.take(4096).unwrap(), 0..4096, false, i);
            }
            ring.wait().unwrap();
            while let Some(completion) = ring.next() {
                pool.give(completion.data);
                done += 1;
            }
        }
        ring.finish(|completion| pool.give(completion.data)).unwrap();
    });
    assert!(count == 0 && done > 200, "{count} allocations, {done} writes");
}
