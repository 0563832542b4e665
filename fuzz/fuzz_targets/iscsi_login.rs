//! See `src/iscsi_login.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::iscsi_login::run(data));
