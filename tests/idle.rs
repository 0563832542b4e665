//! What a target costs that has nothing to do.

use host::{Identity, Options};
use std::time::{Duration, Instant};
use testbed::{Disk, NQN, Setup};

/// Hard bound. The aim is 2 %; the figure is printed.
const MOST_PERCENT: f64 = 5.0;

#[test]
fn an_idle_target_sleeps() {
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).start();
    target.ram_disk(512);
    let mut hosts: Vec<_> = (0..2)
        .map(|number| {
            let name = format!("nqn.2026-11.org.example:idle{number}");
            let host = Identity::new(Some(&name), None).expect("a name");
            let mut controller = target.connect(NQN, &Options { host, ..Options::default() });
            let disk = Disk::open(&mut controller, 1, 1, 32, 4096);
            (controller, disk)
        })
        .collect();
    hosts.iter_mut().for_each(|(_, disk)| disk.write(0, &[1; 512]));
    let (begin, before) = (Instant::now(), target.cpu_time());
    // The time over which is measured; nothing is waited for.
    while begin.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(500));
        hosts.iter_mut().for_each(|(controller, _)| controller.tick().expect("the target is there"));
    }
    assert!(before > Duration::ZERO, "starting took no time: it is not measured");
    let used = target.cpu_time() - before;
    let percent = 100.0 * used.as_secs_f64() / begin.elapsed().as_secs_f64();
    println!("idle with a listener and two connected hosts: {percent:.2} % of a core");
    assert!(percent < MOST_PERCENT, "{percent:.1} % of a core with nothing to do");
    hosts.iter_mut().for_each(|(_, disk)| assert_eq!(disk.read(0, 1), [1; 512], "and it is awake at once"));
}
