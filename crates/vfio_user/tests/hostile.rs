//! A client that speaks bytes: what QEMU does, and what nobody should.

mod raw;

use pci::contract::register::SUM;
use raw::{Asked, EVENT_TRIGGER, Raw, memfd};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use vfio_user::server::STALL;

const EINVAL: i32 = 22;

#[test]
fn what_qemu_asks_at_start() {
    let mut raw = Raw::new();
    let version = raw.ask(1, &raw::version(8), &[]).unwrap();
    assert!(String::from_utf8_lossy(&version[4..]).contains("\"max_msg_fds\":16"));
    assert_eq!(raw.ask(4, &raw::words(&[16, 0, 0, 0]), &[]).unwrap(), raw::words(&[16, 3, 9, 5]));
    let sizes = [4096, 0, 8192, 0, 0, 0, 0, 4096, 0];
    for (index, size) in (0u32..).zip(sizes) {
        let reply = raw.ask(5, &raw::words(&[32, 0, index, 0, 0, 0, 0, 0]), &[]).unwrap();
        assert_eq!(reply, raw::words(&[32, if size > 0 { 3 } else { 0 }, index, 0, size, 0, 0, 0]), "region {index}");
    }
    let irq = |raw: &mut Raw, index| raw.ask(7, &raw::words(&[16, 0, index, 0]), &[]);
    assert_eq!(irq(&mut raw, 0).unwrap(), raw::words(&[16, 7, 0, 1]));
    assert_eq!(irq(&mut raw, 2).unwrap(), raw::words(&[16, 9, 2, 4]));
    assert_eq!(irq(&mut raw, 3).unwrap(), raw::words(&[16, 0, 3, 0]));
    assert_eq!(irq(&mut raw, 5), Err(EINVAL));
    assert_eq!(raw.read(7, 0, 4).unwrap(), pci::contract::IDENTITY.to_le_bytes());
    assert_eq!(raw.ask(6, &raw::words(&[16, 0, 0, 0]), &[]), Err(95), "no descriptors for regions");
    assert_eq!(raw.ask(99, &[], &[]), Err(95));
    assert!(raw.is_connected());
}

#[test]
fn a_range_over_two_mappings_and_their_end_while_in_use() {
    let mut raw = Raw::connected();
    let (low, high) = (memfd(8192), memfd(8192));
    raw.map(3, 4096, 0xA000, 4096, Some(&low)).unwrap();
    raw.map(3, 0, 0xB000, 8192, Some(&high)).unwrap();
    raw::poke(&low, 8191, &[3]);
    raw::poke(&high, 0, &[4]);
    assert_eq!((raw.order(0xAFFF, 2, 1), raw.register(SUM)), (1, 7));
    assert_eq!(raw.order(0xCFFF, 2, 1), 2, "over the end");
    assert_eq!(raw.unmap(0, 0xB000, 4096), Err(EINVAL), "a part");
    assert_eq!(raw.unmap(0, 0xB800, 0x100), Err(EINVAL));
    assert_eq!(raw.unmap(0, 0xE000, 4096), Err(2));
    raw.unmap(0, 0xB000, 8192).unwrap();
    assert_eq!(raw.order(0xAFFF, 2, 1), 2, "its second half is gone");
    assert_eq!(raw.order(0xAFFE, 2, 2), 1);
    raw.map(1, 0, 0xB000, 4096, Some(&high)).unwrap();
    assert_eq!(raw.order(0xB000, 2, 2), 2, "not to be written");
    assert_eq!(raw.map(3, 0, 0xB800, 4096, Some(&high)), Err(17), "there is something");
    raw.unmap(2, 0, 0).unwrap();
    assert_eq!(raw.order(0xA000, 1, 1), 2, "all are gone");
}

#[test]
fn memory_without_a_descriptor_is_asked_for() {
    let mut raw = Raw::with_patience(Duration::from_secs(5));
    raw.map(1, 0, 0xC0000, 0x1000, None).unwrap();
    raw.start(0xC0010, 4, 1);
    raw.poll_and(|client| {
        let asked = Asked::receive(client);
        assert_eq!((asked.address, asked.count), (0xC0010, 4));
        // A register access that comes before the answer is kept, and carried out afterwards.
        raw::send(client, 9, 55, &raw::access(0, 0, 4), &[]);
        asked.answer(client, &[1, 2, 3, 4]);
    });
    assert!(raw.reply_to(55).is_ok());
    assert_eq!((raw.status(), raw.register(SUM)), (1, 10));
    assert_eq!(raw.order(0xC0000, 4, 2), 2, "not to be written");
    raw.start(0xC0000, 4, 1);
    raw.poll_and(|client| Asked::receive(client).answer(client, &[9; 3]));
    assert_eq!(raw.status(), 2, "an answer that is too short");
}

#[test]
fn a_client_that_does_not_answer_is_not_asked_again_until_it_does() {
    let mut raw = Raw::with_patience(Duration::from_millis(20));
    raw.map(1, 0, 0xC0000, 0x1000, None).unwrap();
    raw.start(0xC0000, 4, 1);
    let late = raw.poll_and(Asked::receive);
    assert_eq!(raw.status(), 2, "it took too long");
    assert_eq!(raw.order(0xC0000, 4, 1), 2, "and is not asked again");
    late.answer(raw.client(), &[0; 4]);
    raw.poll();
    raw.start(0xC0000, 4, 1);
    assert_eq!(raw.poll_and(Asked::receive).address, 0xC0000, "after an answer it is");
}

#[test]
fn writes_that_nobody_answers_and_several_in_one_message() {
    let mut raw = Raw::connected();
    raw.post(10, &[raw::access(2, 8, 4), vec![1, 2, 3, 4]].concat());
    assert_eq!(raw.read(2, 8, 4).unwrap(), [1, 2, 3, 4]);
    let one = |at: u64, count: u32, value: u64| [raw::access(2, at, count), value.to_le_bytes().to_vec()].concat();
    let writes = [2u64.to_le_bytes().to_vec(), one(16, 4, 5), one(20, 1, 6)].concat();
    assert_eq!(raw.ask(15, &writes, &[]).unwrap(), 2u64.to_le_bytes());
    assert_eq!(raw.read(2, 16, 6).unwrap(), [5, 0, 0, 0, 6, 0]);
    let one_wrong = [3u64.to_le_bytes().to_vec(), one(24, 4, 7), one(28, 9, 8), one(32, 4, 9)].concat();
    assert_eq!(raw.ask(15, &one_wrong, &[]).unwrap(), 1u64.to_le_bytes());
    assert_eq!(raw.ask(15, &u64::MAX.to_le_bytes(), &[]), Err(EINVAL));
}

#[test]
fn requests_that_do_not_fit_are_refused_and_nothing_else_happens() {
    let mut raw = Raw::connected();
    let file = memfd(4096);
    for (command, payload) in [
        (9, raw::access(9, 0, 4)),
        (9, raw::access(u32::MAX, 0, 4)),
        (9, raw::access(0, 4093, 4)),
        (9, raw::access(0, u64::MAX, 4)),
        (9, raw::access(1, 0, 1)),
        (9, vec![0; 15]),
        (10, raw::access(2, 0, 4)),
        (10, [raw::access(2, 8190, 4), vec![0; 4]].concat()),
        (5, raw::words(&[31, 0, 0, 0, 0, 0, 0, 0])),
        (5, raw::words(&[32, 0, 9, 0, 0, 0, 0, 0])),
        (2, vec![0; 31]),
        (3, vec![0; 23]),
        (8, raw::words(&[20, EVENT_TRIGGER, 2, 0])),
        (1, raw::version(8)),
    ] {
        assert_eq!(raw.ask(command, &payload, &[]), Err(EINVAL), "command {command}, {payload:?}");
    }
    assert_eq!(raw.ask(9, &raw::access(0, 0, 1 << 30), &[]), Err(7));
    for (offset, len) in [(0, 8192), (4096, 1), (u64::MAX, 2), (0, 0), (1, 4096)] {
        assert_eq!(raw.map(3, offset, 0x1000, len, Some(&file)), Err(EINVAL), "{offset} {len}");
    }
    assert_eq!(raw.map(3, 0, u64::MAX, 4096, Some(&file)), Err(EINVAL));
    let null = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    assert_eq!(raw.map(3, 0, 0x1000, 4096, Some(&null)), Err(EINVAL), "not memory");
    let two = [file.as_fd(), file.as_fd()];
    assert_eq!(raw.ask(2, &raw::mapping(3, 0, 0x1000, 4096), &two), Err(EINVAL));
    assert_eq!(raw.ask(8, &raw::words(&[20, EVENT_TRIGGER, 2, 0, 1]), &[null.as_fd()]), Err(EINVAL), "no eventfd");
    assert_eq!(raw.order(0x1000, 1, 1), 2, "none of these is a mapping");
    assert!(raw.is_connected());
}

#[test]
fn a_file_that_becomes_shorter_is_a_fault() {
    let mut raw = Raw::connected();
    let file = raw::unsealed_memfd(8192);
    raw.map(3, 0, 0x1000, 8192, Some(&file)).unwrap();
    assert_eq!(raw.order(0x2000, 64, 2), 1);
    std::fs::File::from(file.try_clone().unwrap()).set_len(0).unwrap();
    assert_eq!((raw.order(0x2000, 64, 1), raw.order(0x1000, 64, 2)), (2, 1), "writing brings it back, as a file does");
    assert!(raw.is_connected());
}

#[test]
fn bytes_that_are_no_messages_end_the_connection_and_nothing_is_left_of_the_client() {
    for garbage in
        [vec![0xFF; 64], vec![0; 16], raw::header(5, 9, 1 << 30, 0), raw::header(5, 9, 32, 7), raw::header(5, 9, 15, 0)]
    {
        let mut raw = Raw::connected();
        raw.write(0, &7u32.to_le_bytes());
        raw.bytes(&garbage);
        raw.poll();
        assert!(!raw.is_connected() && raw.sees_end(), "{garbage:?}");
        raw.connect_again();
        assert_eq!(raw.read(0, 0, 4).unwrap(), [0; 4], "as after power on");
    }
}

#[test]
fn before_the_version_nothing_is_done() {
    let mut raw = Raw::new();
    raw.send(13, 1, &[], &[]);
    raw.poll();
    assert!(!raw.is_connected());
    let mut raw = Raw::new();
    assert_eq!(raw.ask(1, &[1, 0, 0, 0], &[]), Err(95), "another major version");
    assert_eq!(raw.ask(1, b"\0\0\0\0{not json\0", &[]), Err(EINVAL));
    raw.send(9, 1, &raw::access(0, 0, 4), &[]);
    raw.poll();
    assert!(!raw.is_connected());
}

#[test]
fn a_client_that_says_nothing_does_not_keep_others_away() {
    let mut raw = Raw::new();
    raw.poll_at(STALL);
    assert!(raw.is_connected());
    raw.poll_at(STALL + 1);
    assert!(!raw.is_connected());
    raw.connect_again();
    raw.poll_at(9 * STALL);
    assert!(raw.is_connected(), "who has said its version may be silent");
}

#[test]
fn a_client_that_dies_in_the_middle_of_a_message_leaves_a_fresh_device() {
    let mut raw = Raw::connected();
    let file = memfd(4096);
    raw.map(3, 0, 0x1000, 4096, Some(&file)).unwrap();
    raw.write(0, &7u32.to_le_bytes());
    raw.start(0x1000, 4, 1);
    for cut in [3, 16, 20] {
        let whole = [raw::header(9, 9, 32, 0), raw::access(0, 0, 4)].concat();
        raw.bytes(&whole[..cut]);
        raw.poll();
        assert!(raw.is_connected());
        raw.connect_again();
        assert_eq!((raw.read(0, 0, 4).unwrap(), raw.order(0x1000, 4, 1)), (vec![0; 4], 2));
    }
}

#[test]
fn a_client_that_does_not_read_is_disconnected_and_one_that_reads_late_is_not() {
    let mut raw = Raw::connected();
    for id in 0..200 {
        raw.send(9, id, &raw::access(2, 0, 8192), &[]);
    }
    for _ in 0..50 {
        raw.poll_at(1_000);
    }
    assert!(raw.is_connected());
    raw.poll_at(1_000 + STALL - 1);
    assert!(raw.is_connected());
    for id in 0..200 {
        assert_eq!(raw.reply_to(id).unwrap().len(), 16 + 8192);
    }
    for id in 0..200 {
        raw.send(9, id, &raw::access(2, 0, 8192), &[]);
    }
    for time in [2, 3, 4] {
        for _ in 0..50 {
            raw.poll_at(time * STALL);
        }
    }
    assert!(!raw.is_connected(), "for {STALL} ns it did not read");
    raw.connect_again();
    assert_eq!(raw.read(2, 0, 1).unwrap(), [0]);
}

#[test]
fn vectors_as_qemu_sets_them() {
    let mut raw = Raw::connected();
    let events: Vec<os::EventFd> = (0..4).map(|_| os::EventFd::new().unwrap()).collect();
    let set = |raw: &mut Raw, start, count, which: &[usize]| {
        let fds: Vec<_> = which.iter().map(|i| events[*i].fd()).collect();
        raw.ask(8, &raw::words(&[20, EVENT_TRIGGER, 2, start, count]), &fds)
    };
    set(&mut raw, 0, 3, &[0, 1, 2]).unwrap();
    set(&mut raw, 3, 1, &[3]).unwrap();
    set(&mut raw, 1, 1, &[]).unwrap();
    for vector in 0..4 {
        assert_eq!(raw.order(0, 0, 0x100 + vector), 1);
    }
    assert_eq!([0, 1, 2, 3].map(|i: usize| events[i].drain()), [true, false, true, true]);
    assert_eq!(set(&mut raw, 2, 3, &[0, 1, 2]), Err(EINVAL), "there are four");
    raw.ask(8, &raw::words(&[20, 1 | 32, 2, 0, 0]), &[]).unwrap();
    assert_eq!(raw.order(0, 0, 0x100), 1);
    assert!(!events[0].drain());
    set(&mut raw, 0, 1, &[0]).unwrap();
    raw.connect_again();
    assert_eq!(raw.order(0, 0, 0x100), 1);
    assert!(!events[0].drain(), "another client's");
}
