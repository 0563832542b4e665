//! A server and a client of ours together do what every device must.

use pci::contract::{Sample, arena, check, check_gone, register};
use pci::{Device, Error, Model};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use vfio_user::{Client, Server};

/// A server that a thread of its own polls, until it is told to end.
struct Hosted {
    end: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Hosted {
    fn new(path: &Path) -> Hosted {
        let mut server = Server::bind(path, Sample::default()).unwrap();
        let end = Arc::new(AtomicBool::new(false));
        let (ending, clock) = (end.clone(), Instant::now());
        let run = move || {
            while !ending.load(SeqCst) {
                if server.poll(clock.elapsed().as_nanos() as u64) == 0 {
                    std::thread::yield_now();
                }
            }
            server.clients()
        };
        Hosted { end, thread: Some(std::thread::spawn(run)) }
    }

    fn end(&mut self) -> u64 {
        self.end.store(true, SeqCst);
        self.thread.take().map_or(0, |thread| thread.join().unwrap())
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn they_keep_the_contract_and_the_next_client_finds_a_fresh_device() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hba.sock");
    let mut hosted = Hosted::new(&path);
    for _ in 0..2 {
        let mut device = connect(&path);
        assert_eq!(device.address(), format!("vfio-user:{}", path.display()));
        let registers = device.bar(0).unwrap();
        assert_eq!(registers.read32(register::SCRATCH), 0, "as after power on");
        check(&mut device, &arena(), std::thread::yield_now);
        registers.write32(register::SCRATCH, 77);
        let refused = Client::connect(&path).unwrap_err().to_string();
        assert!(refused.contains("another client"), "{refused}");
    }
    let mut device = connect(&path);
    let registers = device.bar(0).unwrap();
    assert!(hosted.end() >= 3);
    check_gone(&mut device, &*registers);
    assert!(!path.exists(), "its name goes with it");
    assert!(matches!(Client::connect(&path), Err(Error::Unusable { .. })));
}

/// The server may not have seen yet that the client before has gone.
fn connect(path: &Path) -> Client {
    let start = Instant::now();
    loop {
        match Client::connect(path) {
            Ok(client) => return client,
            Err(e) => assert!(start.elapsed() < Duration::from_secs(5), "{e}"),
        }
    }
}

#[test]
fn several_threads_use_one_device() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hba.sock");
    let _hosted = Hosted::new(&path);
    let mut device = Client::connect(&path).unwrap();
    let memory = device.bar(2).unwrap();
    let together = Barrier::new(4);
    std::thread::scope(|threads| {
        for i in 0..4u32 {
            let (memory, together) = (memory.clone(), &together);
            threads.spawn(move || {
                together.wait();
                for n in 0..300 {
                    memory.write32(4 * i, n);
                    assert_eq!(memory.read32(4 * i), n, "in the order in which they are made");
                }
            });
        }
    });
}

#[test]
fn memory_without_a_file_cannot_be_shared_and_says_what_would_help() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hba.sock");
    let _hosted = Hosted::new(&path);
    let mut device = Client::connect(&path).unwrap();
    let options = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 4096 };
    let refused = device.map(&dma::Arena::new(options).unwrap()).unwrap_err().to_string();
    assert!(refused.contains("-g"), "{refused}");
}

#[test]
fn a_live_servers_socket_is_left_alone_and_a_dead_ones_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hba.sock");
    let first = Server::bind(&path, Sample::default()).unwrap();
    let refused = Server::bind(&path, Sample::default()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("another process serves it") && refused.contains("hba.sock"), "{refused}");
    drop(first);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = Server::bind(&path, Sample::default()).unwrap();
    assert_eq!((server.model().vectors(), server.has_client()), (4, false));
    drop(server);
    std::fs::write(&path, "a file").unwrap();
    let refused = Server::bind(&path, Sample::default()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("not a socket"), "{refused}");
}
