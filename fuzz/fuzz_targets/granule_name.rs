//! Any text as the name of a granule: parsed or refused; what parses is written and parsed again as the same.

#![no_main]

use karin_core::granule_name::GranuleName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = GranuleName::parse(text) {
        let again = GranuleName::parse(&parsed.name.file_name());
        assert!(again.is_ok_and(|again| again.name == parsed.name), "{text:?}");
    }
});
