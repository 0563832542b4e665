//! Reactors on real threads: sleeping, waking, dying.

use reactor::{CallError, Clock, Cores, Idle, Options, Poller, Reactor, Tick, Wake, Waker};
use ring::{Mailbox, Sender, mailbox};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

fn sleepy() -> Options {
    Options { idle: Idle::Adaptive { spin: Duration::ZERO }, clock: Clock::real(), pause: 0, ..Options::default() }
}

fn one_core(options: &Options) -> Cores {
    Cores::start(&[0], options, |_, _| {}).unwrap()
}

/// Answers each value of a mailbox with the same value.
struct Echo {
    mailbox: Mailbox<u64>,
    back: mpsc::Sender<u64>,
}

impl Poller for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    fn poll(&mut self, _now: Tick) -> usize {
        let Some(value) = self.mailbox.next() else {
            return 0;
        };
        self.back.send(value).unwrap();
        1
    }

    fn wake(&mut self) -> Wake {
        if self.mailbox.is_empty() { Wake::Event } else { Wake::Ready }
    }
}

fn echo(cores: &Cores) -> (Sender<u64>, mpsc::Receiver<u64>) {
    let waker: Waker = cores.handles()[0].waker();
    let (sender, mailbox) = mailbox(16, move || waker.wake());
    let (back, answers) = mpsc::channel();
    cores.handles()[0].call(move |reactor| reactor.add(Box::new(Echo { mailbox, back }))).unwrap();
    (sender, answers)
}

/// The core goes to sleep 5 us after its last work, without a time limit; each value is sent 4 to 7 us after the last
/// answer, so that many meet the moment between the core's last look and its sleep. A lost wake-up would hang. (Without the
/// look after the flag is set, this was seen to fail.)
#[test]
fn no_wake_up_is_lost() {
    let cores = one_core(&Options { idle: Idle::Adaptive { spin: Duration::from_micros(5) }, ..sleepy() });
    let (sender, answers) = echo(&cores);
    let mut chance = 88_172_645_463_325_252u64;
    for n in 0..50_000 {
        let sent = Instant::now();
        sender.send(n).unwrap();
        while answers.try_recv() != Ok(n) {
            assert!(sent.elapsed() < Duration::from_secs(10), "a wake-up was lost in round {n}");
            std::hint::spin_loop();
        }
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let (answered, pause) = (Instant::now(), Duration::from_nanos(4_000 + chance % 3_000));
        while answered.elapsed() < pause {}
    }
    assert!(cores.handles()[0].stats().sleeps.get() > 1000, "the core slept, else this tests nothing");
    assert_eq!(cores.stop(), Vec::<String>::new());
}

#[test]
fn many_threads_wake_one_core() {
    let cores = one_core(&sleepy());
    let handle = cores.handles()[0].clone();
    let count = Arc::new(AtomicU64::new(0));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            let (handle, count) = (handle.clone(), count.clone());
            threads.spawn(move || {
                for _ in 0..3000 {
                    let count = count.clone();
                    assert_eq!(handle.call(move |_| count.fetch_add(1, Ordering::Relaxed)).map(|_| ()), Ok(()));
                }
            });
        }
    });
    assert_eq!(count.load(Ordering::Relaxed), 12_000);
    cores.stop();
}

/// Reads what comes on a socket.
struct Reader(UnixStream, mpsc::Sender<u8>);

impl Poller for Reader {
    fn name(&self) -> &str {
        "reader"
    }

    fn poll(&mut self, _now: Tick) -> usize {
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Ok(1) => self.1.send(byte[0]).map(|()| 1).unwrap(),
            _ => 0,
        }
    }

    fn wake(&mut self) -> Wake {
        Wake::Event
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

#[test]
fn a_descriptor_wakes_the_core_until_its_poller_is_removed() {
    let cores = one_core(&sleepy());
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let (sender, bytes) = mpsc::channel();
    let handle = &cores.handles()[0];
    let id = handle.call(move |reactor| reactor.add(Box::new(Reader(theirs, sender)))).unwrap();
    for n in 0..50 {
        std::thread::sleep(Duration::from_millis(1));
        ours.write_all(&[n]).unwrap();
        assert_eq!(bytes.recv_timeout(Duration::from_secs(10)), Ok(n));
    }
    handle.call(move |reactor| reactor.remove(id).is_some()).unwrap();
    assert!(bytes.recv_timeout(Duration::from_millis(1)).is_err());
    cores.stop();
}

#[test]
fn a_timer_fires_in_time_and_an_idle_core_sleeps_until_then() {
    let cores = one_core(&sleepy());
    let (sender, fired) = mpsc::channel();
    let start = Instant::now();
    let handle = &cores.handles()[0];
    handle
        .call(move |reactor| {
            let due = reactor.clock().now() + 30_000_000;
            reactor.after(Duration::from_millis(30), move |reactor| sender.send((due, reactor.now())).unwrap());
        })
        .unwrap();
    let turns = handle.stats().turns.get();
    let (due, at) = fired.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(29) && at + 1_000_000 >= due, "{at} is before {due}");
    assert!(handle.stats().sleeps.get() > 0);
    // It polls through the last millisecond only.
    assert!(handle.stats().turns.get() - turns < 10_000_000);
    cores.stop();
}

/// A core that sleeps for long is idle now, not only when it has woken.
#[test]
fn sleep_is_idle_time_while_it_lasts() {
    let cores = one_core(&sleepy());
    let handle = &cores.handles()[0];
    handle.call(|_| ()).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    let ((busy, idle), turns) = (handle.times(), handle.stats().turns.get());
    std::thread::sleep(Duration::from_millis(50));
    let (busy_later, idle_later) = handle.times();
    assert_eq!(handle.stats().turns.get(), turns, "it sleeps, else this tests nothing");
    assert!(busy_later == busy && (50_000_000..5_000_000_000).contains(&(idle_later - idle)), "{idle} {idle_later}");
    cores.stop();
}

#[test]
fn a_spinning_core_never_sleeps() {
    let cores = one_core(&Options { idle: Idle::Spin, ..sleepy() });
    std::thread::sleep(Duration::from_millis(5));
    let stats = cores.handles()[0].stats();
    assert!(stats.turns.get() > 100 && stats.sleeps.get() == 0);
    cores.stop();
}

#[test]
fn a_hanging_core_does_not_hang_its_caller() {
    let cores = one_core(&sleepy());
    let handle = cores.handles()[0].clone();
    let (release, held) = mpsc::channel::<()>();
    handle.send(move |_| held.recv().unwrap()).unwrap();
    let limit = Duration::from_millis(20);
    assert_eq!(handle.call_within(limit, |_| ()), Err(CallError::Timeout { started: false }));
    release.send(()).unwrap();
    assert_eq!(handle.call(|_| 5), Ok(5));
    let (release, held) = mpsc::channel::<()>();
    let answer = handle.call_within(limit, move |_| held.recv().unwrap());
    assert_eq!(answer, Err(CallError::Timeout { started: true }));
    release.send(()).unwrap();
    cores.stop();
}

#[test]
fn a_panic_is_reported_and_callers_are_told() {
    let (sender, deaths) = mpsc::channel();
    let cores = Cores::start(&[0], &sleepy(), move |core, text| sender.send((core, text.to_owned())).unwrap()).unwrap();
    let handle = cores.handles()[0].clone();
    assert_eq!(handle.call(|_: &mut Reactor| -> u8 { panic!("out of cheese") }), Err(CallError::Gone));
    assert_eq!(deaths.recv_timeout(Duration::from_secs(10)), Ok((0, "out of cheese".to_owned())));
    assert_eq!(handle.call(|_| ()), Err(CallError::Gone));
    assert_eq!(cores.stop(), ["out of cheese"]);
}

#[test]
fn threads_are_named_and_pinned_and_a_core_that_is_not_there_is_an_error() {
    let cores = one_core(&sleepy());
    let tid = cores.handles()[0].call(|_| std::thread::current().name().map(str::to_owned)).unwrap();
    assert_eq!(tid.as_deref(), Some("reactor_0"));
    let status = std::fs::read_to_string(format!("/proc/self/task/{}/status", cores.handles()[0].tid())).unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    assert_eq!(allowed.trim(), "0");
    cores.stop();
    let error = Cores::start(&[0, 1000], &sleepy(), |_, _| {}).err().unwrap();
    assert_eq!(error.core, 1000);
    assert!(error.to_string().starts_with("core 1000: cannot run a reactor there: "), "{error}");
}
