//! The loop turned by hand on a manual clock.

use reactor::{CallError, Clock, Full, INBOX, Idle, Options, Poller, Reactor, Tick, Wake};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

type Log = Rc<RefCell<Vec<(&'static str, Tick)>>>;

struct Recorder {
    name: &'static str,
    log: Log,
    work: usize,
    wake: Wake,
}

impl Poller for Recorder {
    fn name(&self) -> &str {
        self.name
    }

    fn poll(&mut self, now: Tick) -> usize {
        self.log.borrow_mut().push((self.name, now));
        std::mem::take(&mut self.work)
    }

    fn wake(&mut self) -> Wake {
        self.wake
    }
}

fn recorder(name: &'static str, log: &Log, work: usize, wake: Wake) -> Box<dyn Poller> {
    Box::new(Recorder { name, log: log.clone(), work, wake })
}

fn by_hand() -> (Reactor, reactor::Hand) {
    let (clock, hand) = Clock::manual();
    let options = Options { clock, idle: Idle::Adaptive { spin: Duration::ZERO }, ..Options::default() };
    (Reactor::new(options).unwrap(), hand)
}

#[test]
fn each_poller_runs_once_a_turn_in_order_with_one_time() {
    let (mut reactor, hand) = by_hand();
    let log = Log::default();
    let first = reactor.add(recorder("a", &log, 0, Wake::Event));
    reactor.add(recorder("b", &log, 0, Wake::Event));
    reactor.turn();
    hand.advance(Duration::from_nanos(7));
    assert_eq!(reactor.remove(first).unwrap().name(), "a");
    assert!(reactor.remove(first).is_none());
    reactor.turn();
    assert_eq!(*log.borrow(), [("a", 0), ("b", 0), ("b", 7)]);
    let names: Vec<String> = reactor.handle().stats().pollers().iter().map(|(_, p)| p.name.clone()).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn time_is_booked_as_the_turn_was() {
    let (mut reactor, hand) = by_hand();
    let log = Log::default();
    reactor.add(recorder("works once", &log, 3, Wake::Event));
    assert_eq!(reactor.turn(), 3);
    hand.advance(Duration::from_nanos(100));
    assert_eq!(reactor.turn(), 0);
    hand.advance(Duration::from_nanos(11));
    reactor.turn();
    let handle = reactor.handle();
    assert_eq!((handle.stats().busy.get(), handle.stats().idle.get(), handle.stats().turns.get()), (100, 11, 3));
    let (_, poller) = &handle.stats().pollers()[0];
    assert_eq!((poller.runs.get(), poller.busy.get()), (3, 1));
}

#[test]
fn timers_fire_in_time_order_and_those_of_one_time_as_set() {
    let (mut reactor, hand) = by_hand();
    let fired = Rc::new(RefCell::new(Vec::new()));
    for (delay, name) in [(20, "late"), (10, "first"), (10, "second")] {
        let fired = fired.clone();
        reactor.after(Duration::from_nanos(delay), move |_| fired.borrow_mut().push(name));
    }
    assert_eq!(reactor.wake(), Wake::At(10));
    assert_eq!(reactor.turn(), 0);
    hand.set(10);
    assert_eq!(reactor.turn(), 2);
    assert_eq!(*fired.borrow(), ["first", "second"]);
    assert_eq!((reactor.wake(), reactor.timers()), (Wake::At(20), 1));
    hand.set(1000);
    reactor.turn();
    assert_eq!((fired.borrow().len(), reactor.wake()), (3, Wake::Event));
}

#[test]
fn a_job_may_add_and_remove_pollers_and_set_timers() {
    let (mut reactor, hand) = by_hand();
    reactor
        .handle()
        .send(|reactor| {
            let id = reactor.add(recorder("brief", &Log::default(), 0, Wake::Ready));
            reactor.after(Duration::from_nanos(5), move |reactor| assert!(reactor.remove(id).is_some()));
        })
        .unwrap();
    assert_eq!(reactor.wake(), Wake::Ready);
    reactor.turn();
    assert_eq!((reactor.handle().stats().pollers().len(), reactor.wake()), (1, Wake::Ready));
    hand.set(5);
    reactor.turn();
    assert_eq!((reactor.handle().stats().pollers().len(), reactor.wake()), (0, Wake::Event));
}

#[test]
fn the_earliest_wish_decides_when_to_wake() {
    let (mut reactor, _hand) = by_hand();
    let log = Log::default();
    reactor.add(recorder("event", &log, 0, Wake::Event));
    assert_eq!(reactor.wake(), Wake::Event);
    reactor.add(recorder("at 9", &log, 0, Wake::At(9)));
    reactor.add(recorder("at 4", &log, 0, Wake::At(4)));
    assert_eq!(reactor.wake(), Wake::At(4));
    reactor.add(recorder("ready", &log, 0, Wake::Ready));
    assert_eq!(reactor.wake(), Wake::Ready);
}

#[test]
fn a_full_inbox_refuses_and_a_dropped_reactor_too() {
    let (mut reactor, _hand) = by_hand();
    let handle = reactor.handle();
    (0..INBOX).for_each(|_| handle.send(|_| {}).unwrap());
    assert_eq!(handle.send(|_| {}), Err(Full));
    assert_eq!(handle.call(|_| {}), Err(CallError::Full));
    while reactor.turn() > 0 {}
    assert_eq!(handle.stats().jobs.get(), INBOX as u64);
    handle.send(|_| panic!("nobody runs this")).unwrap();
    drop(reactor);
    assert_eq!((handle.send(|_| {}), handle.call(|_| {})), (Err(Full), Err(CallError::Gone)));
}

#[test]
fn a_call_that_nobody_took_in_time_is_withdrawn() {
    let (mut reactor, _hand) = by_hand();
    let handle = reactor.handle();
    let limit = Duration::from_millis(5);
    let answer = std::thread::spawn(move || handle.call_within(limit, |_| panic!("withdrawn"))).join().unwrap();
    assert_eq!(answer, Err::<(), _>(CallError::Timeout { started: false }));
    assert_eq!(reactor.turn(), 1);
}

#[test]
fn several_reactors_are_values_on_one_thread() {
    let (clock, hand) = Clock::manual();
    let options = Options { clock, ..Options::default() };
    let mut reactors: Vec<Reactor> = (0..3).map(|_| Reactor::new(options.clone()).unwrap()).collect();
    let handles: Vec<_> = reactors.iter().map(Reactor::handle).collect();
    let next = handles[2].clone();
    handles[0].send(move |_| next.send(|reactor| reactor.after(Duration::from_nanos(1), |_| {})).unwrap()).unwrap();
    reactors.iter_mut().for_each(|reactor| _ = reactor.turn());
    hand.set(1);
    assert_eq!(reactors.iter_mut().map(Reactor::turn).collect::<Vec<_>>(), [0, 0, 1]);
}
