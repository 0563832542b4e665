//! See `src/fip.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::fip::run(data));
