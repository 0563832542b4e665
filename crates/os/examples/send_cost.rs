//! What the send queue costs beyond the system call: nanoseconds per message of a 24-byte header and 4 KiB of data.
//!
//! `cargo run --release -p os --example send_cost [messages per flush]`. For comparison it also fills a bare list of segments, with nothing owned,
//! nothing checked and nothing given back: what no queue can beat. Medians of many rounds; the order of the two alternates.
use dma::{Arena, Backing, Class, Data, Options, Pool};
use os::{Flush, Received, SendQueue, receive};
use std::hint::black_box;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

const ROUNDS: usize = 20_000;
const LEN: u32 = 4096;

struct Bench {
    sender: UnixStream,
    receiver: UnixStream,
    sink: Vec<u8>,
    pool: Pool,
    queue: SendQueue<u64>,
    held: Vec<Data>,
    list: Vec<libc::iovec>,
    headers: Vec<u8>,
    batch: usize,
}

impl Bench {
    fn new(batch: usize) -> Bench {
        let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = Arena::new(options).expect("memory");
        let (sender, receiver) = UnixStream::pair().expect("a pair of sockets");
        nix::sys::socket::setsockopt(&sender, nix::sys::socket::sockopt::SndBuf, &(8 << 20)).expect("a send buffer");
        Bench {
            sender,
            receiver,
            sink: vec![0; 1 << 20],
            pool: Pool::new(&arena, &[Class { size: LEN, count: batch as u32 }]).expect("memory"),
            queue: SendQueue::new(64 * batch + 1024, 4 * batch + 16),
            held: Vec::with_capacity(batch),
            list: Vec::with_capacity(2 * batch),
            headers: vec![0; 24 * batch],
            batch,
        }
    }

    /// Nanoseconds to queue a batch, to flush it, and to take it out.
    fn queued(&mut self) -> [u64; 3] {
        let header = black_box([7u8; 24]);
        let start = Instant::now();
        for i in 0..self.batch {
            self.queue.header(&header);
            self.queue.data(self.held.pop().expect("a piece for each"));
            self.queue.end(i as u64);
        }
        let queued = start.elapsed();
        let state = self.queue.flush(self.sender.as_fd()).expect("an open socket");
        let flushed = start.elapsed();
        assert_eq!(state, Flush::Done, "the send buffer is too small for this batch");
        while let Some((token, data)) = self.queue.next_sent() {
            black_box(token);
            self.held.push(data);
        }
        let taken = start.elapsed();
        self.drain();
        [queued, flushed - queued, taken - flushed].map(|t| t.as_nanos() as u64)
    }

    /// The same for a bare list: filling, and the system call.
    fn bare(&mut self) -> [u64; 2] {
        let header = black_box([7u8; 24]);
        let start = Instant::now();
        self.list.clear();
        for i in 0..self.batch {
            let place = &mut self.headers[24 * i..24 * i + 24];
            place.copy_from_slice(&header);
            self.list.push(libc::iovec { iov_base: place.as_mut_ptr().cast(), iov_len: 24 });
            let data = self.held[i].as_ptr().cast_mut().cast();
            self.list.push(libc::iovec { iov_base: data, iov_len: LEN as usize });
        }
        let filled = start.elapsed();
        // SAFETY: a header of zeroes is a valid one.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = self.list.as_mut_ptr();
        message.msg_iovlen = self.list.len() as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: the list names bytes of `headers` and `held` only.
        let sent = unsafe { libc::sendmsg(self.sender.as_raw_fd(), &message, flags) };
        let flushed = start.elapsed();
        assert_eq!(sent as usize, self.batch * (24 + LEN as usize));
        self.drain();
        [filled, flushed - filled].map(|t| t.as_nanos() as u64)
    }

    fn drain(&mut self) {
        let mut left = self.batch * (24 + LEN as usize);
        while left > 0 {
            match receive(self.receiver.as_fd(), &mut self.sink).expect("an open socket") {
                Received::Bytes(n) => left -= n,
                other => panic!("{other:?} with {left} bytes to come"),
            }
        }
    }
}

fn median(mut values: Vec<u64>) -> f64 {
    values.sort_unstable();
    values[values.len() / 2] as f64
}

fn main() {
    let batch = std::env::args().nth(1).map_or(32, |n| n.parse().expect("a number of messages"));
    assert!((1..=500).contains(&batch), "1 to 500 messages");
    let mut bench = Bench::new(batch);
    bench.held = (0..batch).map(|_| bench.pool.take(LEN).expect("a piece for each")).collect();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS / batch.max(8) * 8 {
        if round % 2 == 0 {
            ours.push(bench.queued());
            bare.push(bench.bare());
        } else {
            bare.push(bench.bare());
            ours.push(bench.queued());
        }
    }
    // What a look at the clock costs is in each figure: it is taken off.
    let clock = median((0..10_000).map(|_| Instant::now().elapsed().as_nanos() as u64).collect());
    let per = |ns: f64| (ns - clock) / batch as f64;
    let [queue, flush, take] = [0, 1, 2].map(|i| per(median(ours.iter().map(|t| t[i]).collect())));
    let [fill, call] = [0, 1].map(|i| per(median(bare.iter().map(|t| t[i]).collect())));
    println!("{batch} messages a flush, nanoseconds per message (medians of {} rounds)", ours.len());
    println!("queue {queue:.1}, take out {take:.1}: together {:.1}", queue + take);
    println!("flush {flush:.1}, of which not the system call: {:.1}", flush - call);
    println!("bare list: fill {fill:.1}, system call {call:.1}");
    bench.held.drain(..).for_each(|data| bench.pool.give(data));
}
