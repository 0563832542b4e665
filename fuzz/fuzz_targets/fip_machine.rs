//! See `src/fip_machine.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::fip_machine::run(data));
