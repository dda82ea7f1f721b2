//! The kind of any error of any crate beneath.

use karin_core::{DatasetError, ErrorKind, SelectionError};

/// The stable kind of `error`, if it is one of karin's or the system's (causes are not looked into).
pub fn kind_of(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    if let Some(error) = error.downcast_ref::<DatasetError>() {
        return Some(error.kind);
    }
    if let Some(error) = error.downcast_ref::<SelectionError>() {
        return Some(error.kind());
    }
    error.downcast_ref::<std::io::Error>().map(ErrorKind::of_io)
}
