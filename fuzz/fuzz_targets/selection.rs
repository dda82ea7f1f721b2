//! Any text in every field of a selection: a selection, or an error that says what is wrong.

#![no_main]

use karin_core::Selection;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let new = Selection::builder;
    let _ = new().product(text).and_then(|builder| builder.build());
    let _ = new().cycles(text).and_then(|builder| builder.build());
    let _ = new().passes(text).and_then(|builder| builder.build());
    let _ = new().time(text).and_then(|builder| builder.build());
    let _ = new().bbox(text).and_then(|builder| builder.build());
    let _ = new().polygon(text).and_then(|builder| builder.build());
    let _ = new().variables(text).and_then(|builder| builder.build());
    let _ = new().let_(text).and_then(|builder| builder.build());
    let _ = new().version(text).and_then(|builder| builder.build());
    let _ = new().layout(text).and_then(|builder| builder.build());
});
