//! SMART / Health Information (NVMe Base 2.0c 5.16.1.3), from what the cores count of the volumes.

use super::controller::Controller;
use crate::view::SubsystemView;
use bdev::Meter;
use ring::Tick;
use stats::Counter;
use wire::log::Smart;
use wire::zerocopy::byteorder::little_endian::U128;
use wire::{FromZeros, IntoBytes};

const HOUR_NS: Tick = 3_600_000_000_000;

/// The page of a controller; `now` is nanoseconds since the process's clock started.
pub(crate) fn page(controller: &Controller, view: &SubsystemView, now: Tick) -> Vec<u8> {
    let sum = |of: fn(&Meter) -> &Counter| -> u64 {
        let meters = view.namespaces.iter().flat_map(|ns| ns.meters.iter());
        meters.fold(0, |sum, meter| sum.wrapping_add(of(meter).get()))
    };
    let mut smart = Smart::new_zeroed();
    smart.avail_spare = 100;
    smart.data_units_read = U128::new(Smart::data_units(sum(|m| &m.read_bytes)));
    smart.data_units_written = U128::new(Smart::data_units(sum(|m| &m.write_bytes)));
    smart.host_reads = U128::new(sum(|m| &m.reads).into());
    smart.host_writes = U128::new(sum(|m| &m.writes).into());
    smart.power_on_hours = U128::new((now / HOUR_NS).into());
    smart.media_errors = U128::new(controller.errors.media_errors().into());
    smart.error_log_entries = U128::new(controller.errors.count().into());
    smart.as_bytes().to_vec()
}
