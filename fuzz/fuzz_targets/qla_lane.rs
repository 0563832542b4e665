//! See `src/qla_lane.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::qla_lane::run(data));
