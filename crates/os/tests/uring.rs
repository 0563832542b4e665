//! io_uring on a temporary file. Where the system forbids it, each test checks the refusal's text instead.
use dma::{Arena, Backing, Class, Data, Options, Pool};
use os::{Completion, Epoll, Interest, Ready, Uring};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

fn ring() -> Option<Uring> {
    match Uring::new(8, 2) {
        Ok(ring) => Some(ring),
        Err(e) => {
            println!("not tested, io_uring cannot be had: {e}");
            assert!(e.to_string().contains("io_uring"), "{e}");
            None
        }
    }
}

fn pool() -> Pool {
    let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    Pool::new(&Arena::new(options).unwrap(), &[Class { size: 8192, count: 8 }]).unwrap()
}

/// The one completion that must come.
fn only(ring: &mut Uring) -> Completion {
    ring.wait().unwrap();
    let done = ring.next().unwrap();
    assert!(ring.next().is_none());
    done
}

fn filled(pool: &mut Pool, len: u32, byte: u8) -> Data {
    let mut data = pool.take(len).unwrap();
    data.bytes_mut().fill(byte);
    data
}

#[test]
fn what_is_written_is_read_and_the_memory_comes_back() {
    let Some(mut ring) = ring() else { return };
    let (mut pool, plain) = (pool(), tempfile::tempfile().unwrap());
    let file = ring.register(plain.as_fd()).unwrap();
    ring.write(file, 4096, filled(&mut pool, 8192, 7), 0..8192, true, 1);
    let done = only(&mut ring);
    assert_eq!((done.token, done.result.unwrap(), done.data.len()), (1, 8192, 8192));
    pool.give(done.data);
    ring.fsync(file, true, 2);
    assert_eq!(only(&mut ring).result.unwrap(), 0);
    ring.read(file, 4000, filled(&mut pool, 8192, 1), 100..300, 3);
    let done = only(&mut ring);
    assert_eq!((done.token, done.result.unwrap()), (3, 200));
    let expected: Vec<u8> = [vec![1; 100], vec![0; 96], vec![7; 104], vec![1; 7892]].concat();
    assert!(done.data.bytes() == expected);
    pool.give(done.data);
    assert!(pool.is_whole() && ring.room() == 8);
}

#[test]
fn short_reads_and_errors_are_reported_as_they_are() {
    let Some(mut ring) = ring() else { return };
    let (mut pool, plain) = (pool(), tempfile::tempfile().unwrap());
    plain.write_all_at(&[5; 100], 0).unwrap();
    let file = ring.register(plain.as_fd()).unwrap();
    ring.read(file, 90, pool.take(4096).unwrap(), 0..4096, 9);
    let done = only(&mut ring);
    assert_eq!(done.result.unwrap(), 10);
    pool.give(done.data);
    let read_only = File::open("/proc/self/exe").unwrap();
    let other = ring.register(read_only.as_fd()).unwrap();
    ring.write(other, 0, filled(&mut pool, 16, 0), 0..16, false, 10);
    let done = only(&mut ring);
    assert_eq!(done.result.unwrap_err().raw_os_error(), Some(libc::EBADF));
    pool.give(done.data);
    assert!(ring.register(plain.as_fd()).is_err(), "two places, both taken");
    ring.unregister(other).unwrap();
    assert_eq!(ring.register(plain.as_fd()).unwrap(), other);
}

#[test]
fn a_full_ring_says_so_and_one_submit_takes_all() {
    let Some(mut ring) = ring() else { return };
    let (mut pool, plain) = (pool(), tempfile::tempfile().unwrap());
    let file = ring.register(plain.as_fd()).unwrap();
    for round in 0..50u64 {
        for i in 0..8 {
            assert_eq!(ring.room(), 8 - i as usize);
            ring.write(file, i * 8192, filled(&mut pool, 8192, (round + i) as u8), 0..8192, false, i);
        }
        assert!(ring.room() == 0 && pool.take(1).is_none());
        let mut seen = [0; 8];
        let mut back = Vec::new();
        ring.finish(|done| {
            assert_eq!(done.result.unwrap(), 8192);
            seen[done.token as usize] += 1;
            back.push(done.data);
        })
        .unwrap();
        assert_eq!(seen, [1; 8]);
        back.into_iter().for_each(|data| pool.give(data));
    }
    let mut all = vec![0; 8 * 8192];
    plain.read_exact_at(&mut all, 0).unwrap();
    assert!(all.chunks(8192).enumerate().all(|(i, part)| part == [(49 + i) as u8; 8192]));
}

#[test]
fn allocating_and_punching() {
    let Some(mut ring) = ring() else { return };
    let plain = tempfile::tempfile().unwrap();
    plain.write_all_at(&[5; 65536], 0).unwrap();
    let file = ring.register(plain.as_fd()).unwrap();
    let punch = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    ring.fallocate(file, punch, 4096, 8192, Data::empty(), 4);
    match only(&mut ring).result {
        Ok(_) => {
            let mut seen = [1; 16384];
            plain.read_exact_at(&mut seen, 0).unwrap();
            assert!(seen[..4096] == [5; 4096] && seen[4096..12288] == [0; 8192] && seen[12288..] == [5; 4096]);
        }
        Err(e) => assert_eq!(e.raw_os_error(), Some(libc::EOPNOTSUPP), "this file system cannot"),
    }
}

#[test]
fn lent_memory_can_be_written_from() {
    let Some(mut ring) = ring() else { return };
    let plain = tempfile::tempfile().unwrap();
    let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    let region = Arena::new(options).unwrap().region(4096).unwrap();
    region.write(0, &[6; 4096]);
    let file = ring.register(plain.as_fd()).unwrap();
    ring.write(file, 0, region.lend(1024, 512), 0..512, false, 1);
    assert_eq!(only(&mut ring).result.unwrap(), 512);
    assert_eq!(plain.metadata().unwrap().len(), 512);
}

/// A pipe that nobody writes to: a read from it stays until it is cancelled.
fn endless() -> (std::io::PipeReader, std::io::PipeWriter) {
    std::io::pipe().unwrap()
}

#[test]
fn a_cancelled_operation_still_ends_once_with_its_memory() {
    let Some(mut ring) = ring() else { return };
    let (mut pool, (reader, _writer)) = (pool(), endless());
    let file = ring.register(reader.as_fd()).unwrap();
    ring.read(file, 0, pool.take(100).unwrap(), 0..100, 42);
    ring.submit().unwrap();
    assert!(ring.next().is_none() && ring.in_flight() == 1);
    assert!(!ring.cancel(41), "no such token");
    assert!(ring.cancel(42));
    let done = only(&mut ring);
    assert_eq!(done.token, 42);
    assert!(matches!(done.result.unwrap_err().raw_os_error(), Some(libc::ECANCELED | libc::EINTR)));
    pool.give(done.data);
    assert!(pool.is_whole() && !ring.cancel(42) && ring.next().is_none());
}

#[test]
fn the_descriptor_wakes_a_sleeper() {
    let Some(mut ring) = ring() else { return };
    let (mut pool, (reader, mut writer)) = (pool(), endless());
    let file = ring.register(reader.as_fd()).unwrap();
    let epoll = Epoll::new().unwrap();
    epoll.add(ring.fd(), 3, Interest::READ).unwrap();
    ring.read(file, 0, pool.take(100).unwrap(), 0..100, 1);
    ring.submit().unwrap();
    let mut ready = [Ready::NONE; 1];
    assert_eq!(epoll.wait(&mut ready, Some(Duration::from_millis(5))).unwrap(), 0);
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        std::io::Write::write_all(&mut writer, b"now").unwrap();
        writer
    });
    // The kernel may also end the wait by interrupting it: then nothing is reported ready, but the completion is there.
    let start = std::time::Instant::now();
    let woken = epoll.wait(&mut ready, Some(Duration::from_secs(10))).unwrap();
    let done = ring.next();
    assert!(woken <= 1 && start.elapsed() < Duration::from_secs(9));
    let done = done.unwrap();
    assert_eq!((done.result.unwrap(), &done.data.bytes()[..3]), (3, b"now".as_slice()));
    pool.give(done.data);
    assert_eq!(epoll.wait(&mut ready, Some(Duration::ZERO)).unwrap(), 0, "and only as long as there is something");
    drop(late.join().unwrap());
}

#[test]
fn a_dropped_ring_waits_for_the_kernel() {
    let Some(mut ring) = ring() else { return };
    let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    let arena = Arena::new(options).unwrap();
    let region = arena.region(4096).unwrap();
    let (reader, mut writer) = endless();
    // A pipe that is full: a write of lent memory to it stays until somebody reads.
    let full = std::io::Write::write(&mut writer, &vec![1; 65536]).unwrap();
    assert_eq!(full, 65536);
    let file = ring.register(writer.as_fd()).unwrap();
    ring.write(file, 0, region.lend(0, 4096), 0..4096, false, 1);
    ring.submit().unwrap();
    drop(region);
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        let mut all = vec![0; 65536 + 4096];
        let mut reader = reader;
        std::io::Read::read_exact(&mut reader, &mut all).unwrap();
        all
    });
    let start = std::time::Instant::now();
    drop(ring);
    assert!(start.elapsed() >= Duration::from_millis(40), "{:?}", start.elapsed());
    assert_eq!(arena.usage().used, 0, "and what it had is home then");
    assert!(late.join().unwrap()[65536..] == [0; 4096]);
}

#[test]
fn a_ring_may_be_made_on_one_thread_used_on_another_and_dropped_on_a_third() {
    let Some(mut ring) = ring() else { return };
    let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    let arena = Arena::new(options).unwrap();
    let region = arena.region(4096).unwrap();
    let (reader, writer) = endless();
    let mut writer_too = writer.try_clone().unwrap();
    let core = std::thread::spawn(move || {
        let file = ring.register(writer.as_fd()).unwrap();
        ring.write(file, 0, region.lend(0, 10), 0..10, false, 1);
        assert_eq!(only(&mut ring).result.unwrap(), 10);
        std::io::Write::write_all(&mut writer_too, &vec![1; 65536 - 4096]).unwrap();
        ring.write(file, 0, region.lend(0, 4096), 0..4096, false, 2);
        ring.submit().unwrap();
        ring
    });
    let ring = core.join().unwrap();
    // Its thread is gone, so the second write will not be done, but it ends: as soon as the pipe has room.
    let drain = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        let (mut reader, mut all) = (reader, Vec::new());
        std::io::Read::read_to_end(&mut reader, &mut all).unwrap();
    });
    drop(ring);
    assert_eq!(arena.usage().used, 0);
    drain.join().unwrap();
}

#[test]
fn geometry_of_what_is_no_block_device() {
    let plain = tempfile::tempfile().unwrap();
    assert_eq!(os::block_device(&plain).unwrap(), None);
    assert_eq!(os::direct_alignment(&File::open("/dev/null").unwrap()), None);
    if let Some(align) = os::direct_alignment(&plain) {
        assert!(align.is_power_of_two());
    }
}
