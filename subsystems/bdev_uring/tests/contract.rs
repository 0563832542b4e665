//! Devices on files keep the contract of block devices.

use bdev::contract::{Memory, Options, run};
use bdev::{Bdev, Op, Status};
use bdev_uring::{Disk, Product, Setup, ZEROES};
use dma::{Arena, Backing, Class, Data, Pool, Region};
use os::{Epoll, Interest, Ready};
use ring::Tag;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BYTES: u64 = 1 << 20;

fn zeroes() -> Region {
    let options = dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    Arena::new(options).unwrap().region(ZEROES).unwrap()
}

fn setup(path: &Path, block_size: u32, fallocate: bool) -> Setup {
    Setup {
        name: "Disk0".to_owned(),
        filename: path.to_owned(),
        block_size: Some(block_size),
        uuid: None,
        product: if fallocate { Product::Uring } else { Product::Aio },
        readonly: false,
        fallocate,
    }
}

fn file(dir: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().tempfile_in(dir).unwrap();
    file.as_file().set_len(BYTES).unwrap();
    file
}

#[test]
fn keeps_the_contract() {
    // /dev/shm has neither ZERO_RANGE nor, before 6.6, direct I/O.
    let temp = std::env::temp_dir();
    for (dir, block_size, fallocate) in
        [(temp.to_str().unwrap(), 512, true), (temp.to_str().unwrap(), 4096, false), ("/dev/shm", 512, true)]
    {
        let (file, zeroes) = (file(dir), zeroes());
        let options = Options { seeds: 0..200, memory: Memory::Unknown, ..Options::default() };
        let make = || -> Arc<dyn Bdev> {
            Arc::new(Disk::open(setup(file.path(), block_size, fallocate), zeroes.clone()).unwrap())
        };
        assert_eq!(make().info().features.unmap, fallocate);
        let report = run(&options, make).unwrap();
        assert!(report.compared > 1000 && report.removed > 100, "{dir} {block_size}: {report:?}");
        eprintln!("{dir} {block_size}: {report:?}");
    }
}

/// A loop device, which goes with the value.
struct Loop(String);

impl Loop {
    fn on(path: &Path) -> Option<Self> {
        let output = Command::new("losetup").args(["--find", "--show"]).arg(path).output().ok()?;
        output.status.success().then(|| Self(String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

#[test]
fn keeps_the_contract_on_a_block_device() {
    let (file, zeroes) = (file(std::env::temp_dir().to_str().unwrap()), zeroes());
    let Some(device) = Loop::on(file.path()) else {
        eprintln!("skipped: no loop device may be made here");
        return;
    };
    let make = || -> Arc<dyn Bdev> {
        let disk = Disk::open(setup(Path::new(&device.0), 512, true), zeroes.clone()).unwrap();
        assert!(disk.is_direct() && disk.info().features.unmap);
        Arc::new(disk)
    };
    let report = run(&Options { seeds: 0..60, ..Options::default() }, make).unwrap();
    assert!(report.compared > 1000, "{report:?}");
}

#[test]
fn a_sleeping_core_is_woken_by_the_descriptor() {
    let (file, zeroes) = (file(std::env::temp_dir().to_str().unwrap()), zeroes());
    let disk = Disk::open(setup(file.path(), 512, true), zeroes).unwrap();
    let arena = Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
    let mut pool = Pool::new(&arena, &[Class { size: 4096, count: 1 }]).unwrap();
    let mut queue = disk.channel(4).unwrap();
    let epoll = Epoll::new().unwrap();
    epoll.add(queue.fd().unwrap(), 1, Interest::READ).unwrap();
    for turn in 0..50 {
        let op = Op::Write { block: 0, blocks: 8, fua: true };
        assert!(queue.submit(Tag::new(0, turn), op, pool.take(4096).unwrap()).is_none());
        queue.bell();
        let since = Instant::now();
        let done = loop {
            let mut ready = [Ready::NONE; 1];
            // Also an interruption without a ready descriptor is a waking: the kernel finished the write in it.
            epoll.wait(&mut ready, Some(Duration::from_secs(5))).unwrap();
            assert!(since.elapsed() < Duration::from_secs(4), "nothing woke the core in turn {turn}");
            queue.turn(0);
            if let Some(done) = queue.next() {
                break done;
            }
        };
        assert_eq!(done.status, Status::Ok);
        pool.give(done.data);
    }
}

#[test]
fn a_device_that_takes_no_writes_says_so() {
    let (file, zeroes) = (file("/dev/shm"), zeroes());
    let disk = Disk::open(Setup { readonly: true, ..setup(file.path(), 512, true) }, zeroes).unwrap();
    let mut queue = disk.channel(1).unwrap();
    let clear = Op::WriteZeroes { block: 0, blocks: 1, unmap: false, fua: false };
    let done = queue.submit(Tag::new(0, 0), clear, Data::empty()).unwrap();
    assert_eq!(done.status, Status::ReadOnly);
    assert!(queue.deadline().is_none());
}
