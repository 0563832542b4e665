//! Runs the Fibre Channel simulation from many seeds, and says how far it is.
//!
//! `fibre [--seeds N] [--from M] [--threads T]`; `fibre --seed S` replays one and says what happens.

use sim::attempt;
use sim::fibre::{Fibre, Plan, Tally};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

fn number(name: &str) -> Option<u64> {
    let mut words = std::env::args().skip_while(|word| word != name);
    words.next()?;
    let text = words.next().unwrap_or_else(|| panic!("{name} wants a number"));
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: {text} is not a number")))
}

/// What the parts log goes to standard error when one seed is replayed.
struct Say;

impl log::Log for Say {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        eprintln!("{:>20}: {}", record.target(), record.args());
    }
    fn flush(&self) {}
}

fn main() {
    if number("--seed").is_some() {
        log::set_logger(&Say).expect("the first");
        log::set_max_level(log::LevelFilter::Debug);
    }
    if let Some(seed) = number("--seed") {
        let plan = Plan { trace: true, ..Plan::from_seed(seed) };
        eprintln!("{plan:?}");
        return println!("{:?}", Fibre::new(plan).run());
    }
    let (seeds, from) = (number("--seeds").unwrap_or(10_000), number("--from").unwrap_or(0));
    let (next, failed) = (AtomicU64::new(from), AtomicU64::new(0));
    let (total, start) = (Mutex::new(Tally::default()), Instant::now());
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..number("--threads").unwrap_or(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    match attempt(|| Fibre::new(Plan::from_seed(seed)).run()) {
                        Ok(tally) => add(&mut total.lock().expect("nobody panics with it"), tally),
                        Err(why) => {
                            failed.fetch_add(1, Relaxed);
                            println!("seed {seed}: {why}");
                        }
                    }
                    let done = seed + 1 - from;
                    if done.is_multiple_of(10_000) {
                        println!(
                            "{done} seeds, {} failed, {:.0} s",
                            failed.load(Relaxed),
                            start.elapsed().as_secs_f64()
                        );
                    }
                }
            });
        }
    });
    let total = total.into_inner().expect("all threads are over");
    println!(
        "{seeds} seeds from {from}: {} failed; {total:?}; {:.1} s",
        failed.load(Relaxed),
        start.elapsed().as_secs_f64()
    );
    std::process::exit(i32::from(failed.load(Relaxed) > 0));
}

fn add(total: &mut Tally, one: Tally) {
    total.ended += one.ended;
    total.good += one.good;
    total.turns += one.turns;
    total.troubles += one.troubles;
}
