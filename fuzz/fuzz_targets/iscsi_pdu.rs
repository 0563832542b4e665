//! See `src/iscsi_pdu.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::iscsi_pdu::run(data));
