//! See `src/fcnvme_port.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::fcnvme_port::run(data));
