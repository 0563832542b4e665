//! Verified I/O through every kind of block device, every kind of connection, and while the configuration changes.

use host::{Controller, LinkOptions, Options, Payload};
use serde_json::{Value, json};
use std::thread::JoinHandle;
use std::time::Duration;
use testbed::{Disk, Exercise, NQN, Setup, Target, exercise, pattern, until};
use wire::IntoBytes;
use wire::nvm::{Dsm, DsmRange, Rw};
use wire::nvme::{Event, NvmOpcode, Status};

fn target() -> Target {
    Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).start()
}

fn some(seed: u64) -> Exercise {
    Exercise { first: 0, blocks: 2048, most: 32, depth: 12, commands: 300, time: Duration::ZERO, seed }
}

/// All that an NVM namespace does, on namespace `nsid`.
fn everything(target: &Target, nsid: u32, keeps: bool) {
    let mut controller = target.connect(NQN, &Options::default());
    let onsc = controller.identify.oncs.get();
    let mut disk = Disk::open(&mut controller, nsid, 1, 16, 128 << 10);
    let block = disk.block() as usize;
    if keeps {
        let most = (128 << 10) / disk.block();
        exercise(&mut disk, &Exercise { most, ..some(u64::from(nsid)) });
    }
    // The last block, and the sizes from one block to the largest transfer.
    let end = disk.blocks();
    for bytes in [block, 4096, 8192, 12288, 64 << 10, 128 << 10] {
        let nlb = (bytes / block) as u64;
        let data = pattern(bytes as u64, bytes);
        disk.write(end - nlb, &data);
        let read = disk.read(end - nlb, nlb as u32);
        assert!(!keeps || read == data, "{bytes} bytes at the end of namespace {nsid}");
    }
    disk.flush();
    let mut data = pattern(99, 4 * block);
    let status = disk.rw(NvmOpcode::WRITE, 0, 4, Rw::FUA, &mut data).status();
    assert!(status.is_success(), "write with FUA: {status:?}");
    if !keeps {
        return;
    }
    let status = disk.rw(NvmOpcode::COMPARE, 0, 4, 0, &mut data).status();
    assert!(status.is_success(), "compare of the same: {status:?}");
    data[3 * block] ^= 1;
    let status = disk.rw(NvmOpcode::COMPARE, 0, 4, 0, &mut data).status();
    assert!(status.is(Status::COMPARE_FAILURE), "compare of another: {status:?}");
    data[3 * block] ^= 1;
    let status = disk.rw(NvmOpcode::WRITE_ZEROES, 1, 2, 0, &mut []).status();
    assert!(status.is_success(), "write zeroes: {status:?}");
    data[block..3 * block].fill(0);
    assert!(disk.read(0, 4) == data, "write zeroes took blocks 1 and 2 and no other");
    let ranges = [DsmRange::new(8, 8), DsmRange::new(64, 1)];
    disk.write(8, &pattern(5, 9 * block));
    let status = disk.run(Dsm::sqe(nsid, 2, Dsm::AD), Payload::Write(32), &mut ranges.as_bytes().to_vec()).status();
    assert!(status.is_success(), "deallocate: {status:?}");
    assert!(disk.read(16, 1) == pattern(5, 9 * block)[8 * block..], "the block after the range stays");
    assert!(disk.read(0, 4) == data, "and those before it");
    assert!(onsc & 0b1101 == 0b1101, "ONCS tells of compare, deallocate and write zeroes: {onsc:#x}");
}

#[test]
fn every_kind_of_block_device() {
    let target = target();
    target.tcp();
    let path = target.setup().dir().join("disk.img");
    std::fs::File::create(&path).unwrap().set_len(16 << 20).unwrap();
    let mut bdevs: Vec<String> = Vec::new();
    for block in [512, 4096] {
        let name = |kind: &str| format!("{kind}{block}");
        target.malloc(&name("Malloc"), 16, block);
        let file = target.setup().dir().join(name("file"));
        std::fs::File::create(&file).unwrap().set_len(16 << 20).unwrap();
        target.rpc("bdev_uring_create", json!({ "name": name("Uring"), "filename": file, "block_size": block }));
        bdevs.extend([name("Malloc"), name("Uring")]);
    }
    target.rpc("bdev_aio_create", json!({ "name": "Aio", "filename": path, "block_size": 4096 }));
    target.malloc("Base0", 16, 512);
    target.malloc("Base1", 16, 512);
    target.rpc(
        "bdev_delay_create",
        json!({ "name": "Delay", "base_bdev_name": "Base0", "avg_read_latency": 200, "p99_read_latency": 400,
                "avg_write_latency": 200, "p99_write_latency": 400 }),
    );
    target.rpc("bdev_error_create", json!({ "base_name": "Base1" }));
    target.rpc("bdev_null_create", json!({ "name": "Null", "num_blocks": 32768, "block_size": 512 }));
    bdevs.extend(["Aio", "Delay", "EE_Base1", "Null"].map(str::to_owned));
    target.subsystem(NQN, &bdevs.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, nsid) in bdevs.iter().zip(1..) {
        println!("namespace {nsid}: {name}");
        everything(&target, nsid, name != "Null");
    }
    let mut controller = target.connect(NQN, &Options::default());
    let null = bdevs.len() as u32;
    let mut disk = Disk::open(&mut controller, null, 1, 8, 64 << 10);
    assert!(disk.read(100, 128).iter().all(|&byte| byte == 0), "a null device reads as zeroes");
    // The I/O was counted.
    let stat = target.rpc("bdev_get_iostat", json!({ "name": "Malloc512" }));
    assert!(stat["bdevs"][0]["num_read_ops"].as_u64().unwrap() > 50, "{stat}");
}

#[test]
fn errors_of_the_medium_are_told_and_pass() {
    let target = target();
    target.tcp();
    target.malloc("Base", 4, 512);
    target.rpc("bdev_error_create", json!({ "base_name": "Base" }));
    target.subsystem(NQN, &["EE_Base"]);
    let mut controller = target.connect(NQN, &Options::default());
    let mut disk = Disk::open(&mut controller, 1, 1, 8, 4096);
    disk.write(0, &[7; 512]);
    let inject = |io: &str| {
        target.rpc(
            "bdev_error_inject_error",
            json!({ "name": "EE_Base", "io_type": io, "error_type": "failure", "num": 1 }),
        );
    };
    inject("read");
    let status = disk.rw(NvmOpcode::READ, 0, 1, 0, &mut [0; 512]).status();
    assert!(!status.is_success(), "{status:?}");
    assert_eq!(disk.read(0, 1), [7; 512], "once only");
    inject("write");
    let status = disk.rw(NvmOpcode::WRITE, 0, 1, 0, &mut [8; 512]).status();
    assert!(!status.is_success(), "{status:?}");
    assert_eq!(disk.read(0, 1), [7; 512], "what failed was not written");
}

#[test]
fn digests_alignment_and_where_the_data_travels() {
    let target = target();
    target.ram_disk(512);
    let mut hpdas = [0u8, 1, 15, 31].into_iter().cycle();
    for (hdgst, ddgst) in [(false, false), (true, false), (false, true), (true, true)] {
        for in_capsule in [true, false] {
            let link = LinkOptions { hdgst, ddgst, hpda: hpdas.next().unwrap(), ..LinkOptions::default() };
            let mut controller = target.connect(NQN, &Options { link, ..Options::default() });
            let mut disk = Disk::open(&mut controller, 1, 1, 32, 128 << 10);
            let most = if in_capsule { 8 } else { 256 };
            let what = Exercise { most, blocks: 8192, commands: 150, ..some(u64::from(most) + u64::from(hdgst)) };
            exercise(&mut disk, &what);
            let seen = disk.queue().seen();
            assert_eq!(seen.r2ts == 0, in_capsule, "4 KiB fit the capsule, more does not: {seen:?}");
        }
    }
}

/// Data of any size with R2Ts that may not be one piece, at the smallest in-capsule size.
#[test]
fn transports_with_other_options() {
    for options in [
        json!({ "trtype": "TCP", "in_capsule_data_size": 0, "c2h_success": false, "max_io_size": 65536 }),
        json!({ "trtype": "tcp", "in_capsule_data_size": 16384, "max_queue_depth": 16, "max_io_qpairs_per_ctrlr": 2 }),
    ] {
        let target = target();
        target.rpc("nvmf_create_transport", options.clone());
        target.malloc("Malloc0", 8, 512);
        target.subsystem(NQN, &["Malloc0"]);
        let mut controller = target.connect(NQN, &Options::default());
        let mdts = controller.max_transfer().expect("a limit");
        assert_eq!(mdts, options["max_io_size"].as_u64().unwrap_or(128 << 10));
        let mut disk = Disk::open(&mut controller, 1, 1, 16, mdts as u32);
        exercise(&mut disk, &Exercise { most: (mdts / 512) as u32, ..some(4) });
        let seen = disk.queue().seen();
        assert_eq!(seen.successes == 0, options["c2h_success"] == json!(false), "{seen:?}");
        let status = {
            let nlb = (mdts / 512) as u32 + 1;
            let slot = Rw::sqe(NvmOpcode::READ, 1, 0, nlb, 0);
            let mut wide = Disk::open(&mut controller, 1, 2, 4, 256 << 10);
            wide.run(slot, Payload::Read(nlb * 512), &mut vec![0; 256 << 10]).status()
        };
        assert!(status.is(Status::INVALID_FIELD), "one block more than MDTS: {status:?}");
    }
}

/// I/O that each core of the target did.
fn per_core(target: &Target) -> Vec<u64> {
    let stats = target.rpc("nvmf_get_stats", Value::Null);
    let groups = stats["poll_groups"].as_array().unwrap();
    groups.iter().map(|group| group["completed_nvme_io"].as_u64().unwrap()).collect()
}

#[test]
fn four_queues_on_two_cores() {
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() < 2) {
        println!("one core only: nothing to spread over");
        return;
    }
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).args(&["-m", "0x3"]).start();
    target.ram_disk(512);
    let mut controller = target.connect(NQN, &Options::default());
    assert!(controller.set_queue_count(4).unwrap() >= 4);
    let mut disks: Vec<Disk> = (1..5).map(|qid| Disk::open(&mut controller, 1, qid, 32, 64 << 10)).collect();
    let before = per_core(&target);
    assert_eq!(before.len(), 2, "{before:?}");
    std::thread::scope(|scope| {
        for (disk, number) in disks.iter_mut().zip(0..) {
            let what = Exercise { first: number * 4096, blocks: 4096, ..some(number) };
            scope.spawn(move || exercise(disk, &what));
        }
    });
    let done: Vec<u64> = per_core(&target).iter().zip(before).map(|(now, before)| now - before).collect();
    assert!(done.iter().all(|&done| done >= 300), "both cores took part: {done:?}");
    // What one core wrote, another reads.
    disks[0].write(0, &[3; 512]);
    disks.iter_mut().for_each(|disk| assert_eq!(disk.read(0, 1), [3; 512]));
}

fn namespace_changed(controller: &mut Controller) -> Vec<u32> {
    let event = until("a namespace-changed event", || {
        controller.tick().unwrap();
        controller.next_event()
    });
    assert_eq!(event, Event::NAMESPACE_CHANGED);
    let mut list = vec![0; 4096];
    controller.log_page(wire::nvme::LogId::CHANGED_NAMESPACES, 0, 0, &mut list).unwrap();
    list.chunks(4).map(|nsid| u32::from_le_bytes(nsid.try_into().unwrap())).take_while(|&nsid| nsid != 0).collect()
}

/// Reads without a pause until that fails; says how. At least one read worked.
fn read_until_it_fails(mut disk: Disk) -> JoinHandle<(Status, Disk)> {
    disk.read(0, 8);
    std::thread::spawn(move || {
        loop {
            let status = disk.rw(NvmOpcode::READ, 0, 8, 0, &mut vec![0; 4096]).status();
            if !status.is_success() {
                return (status, disk);
            }
        }
    })
}

#[test]
fn namespaces_come_and_go_under_io() {
    let target = target();
    target.tcp();
    target.malloc("Stays", 8, 512);
    target.malloc("Goes", 8, 512);
    target.subsystem(NQN, &["Stays", "Goes"]);
    let mut controller = target.connect(NQN, &Options::default());
    assert_eq!(controller.active_namespaces().unwrap(), [1, 2]);
    let mut stays = Disk::open(&mut controller, 1, 1, 16, 16 << 10);
    let goes = Disk::open(&mut controller, 2, 2, 16, 16 << 10);
    let busy = std::thread::spawn(move || {
        exercise(&mut stays, &Exercise { time: Duration::from_millis(700), ..some(1) });
        stays
    });
    let reader = read_until_it_fails(goes);
    target.rpc("nvmf_subsystem_remove_ns", json!({ "nqn": NQN, "nsid": 2 }));
    let (status, mut goes) = reader.join().unwrap();
    assert!(status.is(Status::INVALID_NAMESPACE_OR_FORMAT), "{status:?}");
    assert_eq!(namespace_changed(&mut controller), [2]);
    assert_eq!(controller.active_namespaces().unwrap(), [1]);
    target.rpc("nvmf_subsystem_add_ns", json!({ "nqn": NQN, "namespace": { "bdev_name": "Goes", "nsid": 2 } }));
    assert_eq!(namespace_changed(&mut controller), [2]);
    goes.write(0, &[9; 512]);
    assert_eq!(goes.read(0, 1), [9; 512], "the same queue reaches it again");

    // The block device itself goes: so does the namespace.
    let reader = read_until_it_fails(goes);
    target.rpc("bdev_malloc_delete", json!({ "name": "Goes" }));
    assert_eq!(namespace_changed(&mut controller), [2]);
    let (_, mut goes) = reader.join().unwrap();
    let status = goes.rw(NvmOpcode::READ, 0, 1, 0, &mut [0; 512]).status();
    assert!(status.is(Status::INVALID_NAMESPACE_OR_FORMAT), "{status:?}");
    assert_eq!(controller.active_namespaces().unwrap(), [1]);
    let mut stays = busy.join().unwrap();
    exercise(&mut stays, &some(2));
}

#[test]
fn a_larger_device_is_told() {
    let target = target();
    target.tcp();
    target.rpc("bdev_null_create", json!({ "name": "Null0", "num_blocks": 2048, "block_size": 512 }));
    target.subsystem(NQN, &["Null0"]);
    let mut controller = target.connect(NQN, &Options::default());
    assert_eq!(controller.namespace(1).unwrap().blocks, 2048);
    let mut disk = Disk::open(&mut controller, 1, 1, 8, 4096);
    let status = disk.rw(NvmOpcode::READ, 2048, 1, 0, &mut [0; 512]).status();
    assert!(status.is(Status::LBA_OUT_OF_RANGE), "{status:?}");
    target.rpc("bdev_null_resize", json!({ "name": "Null0", "new_size": 4 }));
    assert_eq!(namespace_changed(&mut controller), [1]);
    assert_eq!(controller.namespace(1).unwrap().blocks, 4 << 11);
    disk.read(2048, 1);
}
