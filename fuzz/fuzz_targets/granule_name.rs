//! Any text as the name of a granule: parsed or refused; what parses is written and parsed again as the same.

#![no_main]

use karin_core::GranuleName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok((name, _)) = GranuleName::parse_whole(text) {
        let again = GranuleName::parse_whole(&name.file_name());
        assert!(again.is_ok_and(|(again, _)| again == name), "{text:?}");
    }
});
