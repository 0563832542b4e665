//! See `src/scsi.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::scsi::run(data));
