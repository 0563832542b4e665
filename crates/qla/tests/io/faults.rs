//! The chip errs under load: no I/O is stuck, no memory lost, and afterwards all is well.

use super::host::Io;
use super::load::hammer;
use super::rig::*;
use emu::isp::Faults;
use fc::PortState;

/// Hosts have reads and writes open; `fault` happens, or is there from the start (`early`); all of them end; the hosts log in again; all is well.
fn survives(fault: impl Fn(&mut Faults), early: bool, resets: bool) {
    let mut rig = Rig::new(Options { fcp: 1, nvme: 1, ..Options::default() });
    for round in 0..2 {
        if early {
            rig.faults(&fault);
        }
        for n in 0..20 {
            for host in 0..2 {
                let write = n % 2 == 0;
                let data = if write { pattern(n * 64, 64, 1) } else { Vec::new() };
                let io = Io { connection: n.into(), ..io(write, n * 64, 64) };
                rig.hosts[host].send(&io, &data, 5_000 * MS, rig.now).expect("sent");
            }
        }
        (0..2).for_each(|_| rig.turn());
        if !early {
            rig.faults(&fault);
        }
        rig.until(60_000, |rig| rig.hosts.iter().all(|host| host.open.is_empty()));
        rig.until(60_000, |rig| {
            rig.port.shown().state == PortState::Online && rig.disks.iter().all(|disk| disk.open() == 0)
        });
        rig.hosts.iter_mut().for_each(|host| host.over.clear());
        // Hosts learn by and by that their session is gone.
        rig.pass(3_000);
        rig.login();
        hammer(&mut rig, 8, 200);
        rig.is_clean();
        assert_eq!(rig.port.adapter().resets, if resets { round + 1 } else { 0 });
    }
}

#[test]
fn a_system_error_under_load() {
    survives(|faults| faults.system_error = true, false, true);
}

#[test]
fn completions_that_are_lost() {
    survives(|faults| faults.lose_responses = 3, false, true);
}

#[test]
fn iocbs_that_are_never_looked_at() {
    survives(|faults| faults.lose_iocbs = 3, false, true);
}

#[test]
fn commands_that_are_lost_on_the_way_in_time_out_at_their_host() {
    survives(|faults| faults.lose_atios = 3, true, false);
}

#[test]
fn an_iocb_that_comes_back() {
    for status in [0x02, 0x08, 0x40] {
        survives(|faults| faults.entry_status = Some(status), false, false);
    }
}
