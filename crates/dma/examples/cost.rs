//! What handles and copies cost, in nanoseconds: `cargo run --release -p dma --example cost`. Medians of many rounds.
use dma::{Arena, Backing, Class, Options, Pool};
use std::hint::black_box;
use std::time::Instant;

/// Median over rounds of the time of one call of `f`, in nanoseconds.
fn cost(mut f: impl FnMut()) -> f64 {
    const CALLS: u32 = 1000;
    let mut round = || {
        let start = Instant::now();
        (0..CALLS).for_each(|_| f());
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    let mut rounds: Vec<f64> = (0..200).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn main() {
    let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    let arena = Arena::new(options).expect("memory");
    let classes = [4096, 16384, 131072].map(|size| Class { size, count: 64 });
    let mut pool = Pool::new(&arena, &classes).expect("memory");
    let region = arena.region(16 << 20).expect("memory");
    region.write(0, &vec![1; region.len()]);

    let take = cost(|| {
        let data = pool.take(black_box(4096)).expect("a piece");
        pool.give(black_box(data));
    });
    println!("pool: take and give            {take:8.1}");
    let lend = cost(|| drop(black_box(region.lend(black_box(8192), 4096))));
    println!("region: lend and end           {lend:8.1}");
    for len in [512usize, 4096, 131072] {
        let (mut at, mut to, from) = (0, vec![0u8; len], vec![1u8; len]);
        let mut next = || {
            at = (at + 37 * len) % (region.len() - len) / 512 * 512;
            at
        };
        let read = cost(|| region.read(next(), black_box(&mut to)));
        let write = cost(|| region.write(next(), black_box(&from)));
        let plain = vec![1u8; 16 << 20];
        let copy = cost(|| {
            let at = next();
            black_box(&mut to).copy_from_slice(&plain[at..at + len]);
        });
        println!("{len:6} bytes: region read        {read:8.1}   write {write:8.1}   an ordinary copy {copy:8.1}");
    }
}
