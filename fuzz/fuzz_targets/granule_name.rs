//! Any bytes as the name of a granule: parsed or refused; what parses is written and parsed again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| karin_core::granule_name::check_any_name(bytes));
