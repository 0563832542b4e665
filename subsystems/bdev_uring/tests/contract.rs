//! Devices on files keep the contract of block devices.

use bdev::Bdev;
use bdev::contract::{Memory, Options, run};
use bdev_uring::{Disk, Product, Setup, ZEROES};
use dma::{Arena, Backing, Region};
use std::path::Path;
use std::sync::Arc;

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
