//! The send queue on real sockets: order, ownership, torn blocks, death.
use dma::{Arena, Backing, Class, Data, Options, Pool, Region};
use os::{Flush, MESSAGE_HEADERS, Received, SendQueue, receive};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

fn arena() -> Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

/// A connected pair whose sender has room for about `buffer` bytes.
fn pair(buffer: usize) -> (OwnedFd, OwnedFd) {
    let (from, to) = UnixStream::pair().unwrap();
    nix::sys::socket::setsockopt(&from, nix::sys::socket::sockopt::SndBuf, &buffer).unwrap();
    (from.into(), to.into())
}

/// The same over TCP; both ends have small buffers.
fn tcp_pair(buffer: usize) -> (OwnedFd, OwnedFd) {
    use nix::sys::socket::{setsockopt, sockopt};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    setsockopt(&listener, sockopt::RcvBuf, &buffer).unwrap();
    let from = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    setsockopt(&from, sockopt::SndBuf, &buffer).unwrap();
    from.set_nodelay(true).unwrap();
    (from.into(), listener.accept().unwrap().0.into())
}

/// Takes at most `most` bytes off a socket.
fn take(from: &OwnedFd, into: &mut Vec<u8>, most: usize) {
    let mut buffer = vec![0; most];
    if let Received::Bytes(n) = receive(from.as_fd(), &mut buffer).unwrap() {
        into.extend_from_slice(&buffer[..n]);
    }
}

/// A cheap generator of numbers below `limit`.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

/// Queues a random message and what it must put on the wire.
fn queue(queue: &mut SendQueue<usize>, pool: &mut Pool, dice: &mut Dice, number: usize, wire: &mut Vec<u8>) {
    let header: Vec<u8> = (0..1 + dice.roll(120)).map(|i| (number + i) as u8).collect();
    queue.header(&header);
    wire.extend_from_slice(&header);
    if dice.roll(3) > 0 {
        let mut data = pool.take(1 + dice.roll(8000) as u32).unwrap();
        data.bytes_mut().iter_mut().enumerate().for_each(|(i, b)| *b = (number * 31 + i) as u8);
        let len = data.len();
        let part = dice.roll(len as usize) as u32..len;
        wire.extend_from_slice(&data.bytes()[part.start as usize..]);
        if part.start % 2 == 0 {
            queue.data_part(data, part)
        } else {
            whole(queue, data, wire, part.start)
        }
        let digest = [number as u8; 4];
        queue.header(&digest);
        wire.extend_from_slice(&digest);
    }
    queue.end(number);
}

/// Queues all of the data: its first `skipped` bytes belong before what is on the wire.
fn whole(queue: &mut SendQueue<usize>, data: Data, wire: &mut Vec<u8>, skipped: u32) {
    let at = wire.len() - (data.len() - skipped) as usize;
    wire.splice(at..at, data.bytes()[..skipped as usize].iter().copied());
    queue.data(data);
}

#[test]
fn every_byte_in_order_and_every_message_once() {
    orderly(pair, 20);
    orderly(tcp_pair, 5);
}

fn orderly(pair: fn(usize) -> (OwnedFd, OwnedFd), seeds: u64) {
    let mut pool = Pool::new(&arena(), &[Class { size: 8192, count: 40 }]).unwrap();
    for seed in 0..seeds {
        let (from, to) = pair(4096 + seed as usize * 3000);
        let (mut dice, mut wire, mut seen) = (Dice(seed), Vec::new(), Vec::new());
        let mut out = SendQueue::new(1024, 64);
        let (mut queued, mut sent, mut blocked) = (0, 0, 0);
        while sent < 300 {
            while queued < 300 && out.room() && queued - sent < 40 {
                queue(&mut out, &mut pool, &mut dice, queued, &mut wire);
                queued += 1;
            }
            blocked += usize::from(out.flush(from.as_fd()).unwrap() == Flush::Blocked);
            while let Some((token, data)) = out.next_sent() {
                assert_eq!(token, sent);
                sent += 1;
                pool.give(data);
            }
            take(&to, &mut seen, 1 + dice.roll(9000));
        }
        while seen.len() < wire.len() {
            take(&to, &mut seen, 1 << 16);
        }
        assert!(seen == wire && blocked > 10, "seed {seed}, blocked {blocked} times");
        assert!(out.is_empty() && out.queued() == 0 && pool.is_whole());
    }
}

/// Sends the region while every block of it changes between the flushes; returns the number of blocks that arrive torn.
fn torn(region: &Region, block: usize, buffer: usize, queue_it: impl Fn(&mut SendQueue<u8>, Data)) -> usize {
    let (from, to) = pair(buffer);
    let mut out = SendQueue::new(512, 16);
    let mut seen = Vec::new();
    region.write(0, &vec![0; region.len()]);
    out.header(b"123");
    queue_it(&mut out, region.lend(0, region.len() as u32));
    out.header(b"4");
    out.end(1);
    for generation in 1.. {
        let state = out.flush(from.as_fd()).unwrap();
        region.write(0, &vec![generation; region.len()]);
        take(&to, &mut seen, 1 << 16);
        if state == Flush::Done {
            break;
        }
    }
    while seen.len() < region.len() + 4 {
        take(&to, &mut seen, 1 << 16);
    }
    let (token, data) = out.next_sent().unwrap();
    assert!(token == 1 && data.is_lent() && seen.starts_with(b"123") && seen.ends_with(b"4"));
    let blocks = seen[3..3 + region.len()].chunks(block);
    blocks.filter(|bytes| bytes.iter().any(|b| *b != bytes[0])).count()
}

#[test]
fn a_block_of_lent_data_is_never_half_old_and_half_new() {
    let region = arena().region(512 << 10).unwrap();
    let mut torn_without_care = 0;
    for (block, buffer) in [(512, 4608), (512, 5000), (4096, 5000), (4096, 9000), (1024, 20_000), (4096, 70_001)] {
        assert_eq!(torn(&region, block, buffer, |out, data| out.data_lent(data, block as u32)), 0, "{block} {buffer}");
        torn_without_care += torn(&region, block, buffer, |out, data| out.data(data));
    }
    assert!(torn_without_care > 0, "the test would not notice a torn block");
}

#[test]
fn more_segments_than_one_call_takes() {
    let (from, to) = pair(8 << 20);
    let mut pool = Pool::new(&arena(), &[Class { size: 4096, count: 1500 }]).unwrap();
    let mut out = SendQueue::new(64 << 10, 4000);
    for i in 0..1500u32 {
        let mut data = pool.take(3).unwrap();
        data.bytes_mut().fill(i as u8);
        out.header(&[9, 9]);
        out.data(data);
        out.end(i);
    }
    let mut seen = Vec::new();
    while out.flush(from.as_fd()).unwrap() == Flush::Blocked {
        take(&to, &mut seen, 1 << 20);
    }
    while seen.len() < 1500 * 5 {
        take(&to, &mut seen, 1 << 20);
    }
    assert!(seen.chunks(5).enumerate().all(|(i, m)| m == [9, 9, i as u8, i as u8, i as u8]));
    for i in 0..1500 {
        let (token, data) = out.next_sent().unwrap();
        assert_eq!(token, i);
        pool.give(data);
    }
    assert!(out.next_sent().is_none() && pool.is_whole());
}

#[test]
fn a_full_queue_says_so_before() {
    let (from, to) = pair(4096);
    let mut out = SendQueue::new(1024, 8);
    let mut n = 0;
    while out.room() {
        out.header(&[1; MESSAGE_HEADERS]);
        out.end(n);
        n += 1;
    }
    assert_eq!((n, out.queued()), (4, 1024), "four messages of 256 bytes in a ring of 1024");
    assert_eq!(out.flush(from.as_fd()).unwrap(), Flush::Done);
    assert_eq!(out.flush(from.as_fd()).unwrap(), Flush::Idle);
    let mut empty = 0;
    while out.room() {
        out.end(n);
        empty += 1;
    }
    assert_eq!(empty, 4, "eight messages in all, until those sent are taken out");
    assert_eq!(std::iter::from_fn(|| out.next_sent()).count(), 8);
    assert!(out.room());
    drop(to);
}

#[test]
fn a_dead_connection_gives_everything_back_once() {
    let mut pool = Pool::new(&arena(), &[Class { size: 4096, count: 8 }]).unwrap();
    let (from, to) = pair(4096);
    let mut out = SendQueue::new(1024, 32);
    for i in 0..8 {
        out.header(&[i as u8; 24]);
        out.data(pool.take(4096).unwrap());
        out.end(i);
    }
    assert_eq!(out.flush(from.as_fd()).unwrap(), Flush::Blocked);
    drop(to);
    let died = out.flush(from.as_fd()).unwrap_err();
    assert_eq!(died.kind(), std::io::ErrorKind::BrokenPipe);
    assert!(out.abandon().is_empty());
    for i in 0..8 {
        let (token, data) = out.next_sent().unwrap();
        assert_eq!(token, i);
        pool.give(data);
    }
    assert!(out.next_sent().is_none() && out.is_empty() && out.queued() == 0 && out.room() && pool.is_whole());
    out.header(&[1]);
    out.data(pool.take(1).unwrap());
    let open = out.abandon();
    assert_eq!(open.len(), 1, "data of a message without an end");
    pool.give(open);
    assert!(out.next_sent().is_none());
}

#[test]
fn messages_without_bytes_are_sent_when_their_turn_comes() {
    let (from, to) = pair(4096);
    let mut out = SendQueue::new(512, 8);
    out.header(&[7]);
    out.end(1);
    out.data(Data::empty());
    out.end(2);
    assert!(out.next_sent().is_none());
    assert_eq!(out.flush(from.as_fd()).unwrap(), Flush::Done);
    assert_eq!(out.next_sent().unwrap().0, 1);
    assert_eq!(out.next_sent().unwrap().0, 2);
    let mut seen = Vec::new();
    take(&to, &mut seen, 10);
    assert_eq!(seen, [7]);
}
