//! Options that make no sense.

/// An option that a kernel cannot work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {reason}")]
pub struct Refused {
    /// Name of the option.
    pub option: &'static str,
    /// Expected, found, what to do.
    pub reason: String,
}

impl Refused {
    /// An option and why it makes no sense.
    pub fn new(option: &'static str, reason: impl Into<String>) -> Self {
        Self {
            option,
            reason: reason.into(),
        }
    }
}
