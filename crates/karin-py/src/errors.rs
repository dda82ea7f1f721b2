//! Rust errors as exceptions of `karin.errors`, chosen by their stable kind.

use karin_core::ErrorKind;
use pyo3::prelude::*;

/// The exception of an error and its causes.
pub fn exception(error: &(dyn std::error::Error + 'static)) -> PyErr {
    let kind = kind_of(error);
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(beneath) = cause {
        let words = beneath.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = beneath.source();
    }
    raise(kind, &text)
}

/// An exception of that kind.
pub fn raise(kind: ErrorKind, text: &str) -> PyErr {
    Python::attach(|py| {
        let made = py
            .import("karin.errors")
            .and_then(|module| module.getattr("error_of"))
            .and_then(|make| make.call1((word(kind), text)));
        match made {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        }
    })
}

/// The stable kind of the first error in the chain that has one.
fn kind_of(error: &(dyn std::error::Error + 'static)) -> ErrorKind {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(kind) = karin::kind_of(error) {
            return kind;
        }
        next = error.source();
    }
    ErrorKind::Internal
}

/// The word of a kind, as its JSON form.
fn word(kind: ErrorKind) -> String {
    serde_json::to_value(kind)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| "internal".to_owned())
}

/// Results whose errors become exceptions.
pub trait OrRaise<T> {
    /// The value, or the exception of the error.
    fn or_raise(self) -> PyResult<T>;
}

impl<T, E: std::error::Error + 'static> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| exception(&error))
    }
}
