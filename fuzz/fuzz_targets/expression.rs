//! Any text as an expression: compiled or refused; what compiles says the same names again.

#![no_main]

use karin_engine::expression::Expression;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(expression) = Expression::parse(text) {
        assert!(Expression::parse(expression.text()).is_ok_and(|again| again.names() == expression.names()));
    }
});
