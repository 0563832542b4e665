//! See `src/fcp_port.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::fcp_port::run(data));
