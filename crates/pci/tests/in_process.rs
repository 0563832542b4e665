//! A model in the process does what every device must.

use pci::contract::{Sample, arena, check, check_gone, register};
use pci::{Device, Registers, in_process};
use std::sync::Arc;

#[test]
fn it_keeps_the_contract() {
    let arena = arena();
    let (mut device, mut runner) = in_process(Sample::default(), &arena).unwrap();
    let mut now = 0;
    check(&mut device, &arena, || {
        now += 1;
        runner.poll(now);
    });
    let registers = device.bar(0).unwrap();
    drop(runner);
    check_gone(&mut device, &*registers);
}

#[test]
fn registers_are_for_all_threads_and_wake_the_runner() {
    let arena = arena();
    let (mut device, mut runner) = in_process(Sample::default(), &arena).unwrap();
    let registers = device.bar(2).unwrap();
    let wake = os::EventFd::foreign(runner.fd().try_clone_to_owned().unwrap()).unwrap();
    runner.poll(0);
    assert!(!runner.is_pending() && !wake.drain());
    std::thread::scope(|threads| {
        for i in 0..4 {
            let registers: Arc<dyn Registers> = registers.clone();
            threads.spawn(move || (0..1000).for_each(|n| registers.write32(4 * i, n)));
        }
    });
    assert!(runner.is_pending() && wake.drain(), "it sleeps no longer");
    runner.poll(1);
    assert!(!runner.is_pending() && !wake.drain());
    assert_eq!([0, 1, 2, 3].map(|i| registers.read32(4 * i)), [999; 4]);
    let other = pci::contract::arena();
    assert!(device.map(&other).is_err(), "made for another");
    device.bar(0).unwrap().write32(register::SCRATCH, 3);
    assert_eq!(pci::Model::vectors(&*runner.model()), 4);
}
