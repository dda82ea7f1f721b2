//! Exit codes, derived from the kind of an error in one table.

use karin_core::ErrorKind;

use crate::context::Context;

/// How a command ended when it did not fail; the worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All was done.
    Done,
    /// The work was done, but some granules were refused or left out; each has been named with its reason.
    Partial,
    /// `verify` found damage.
    Damaged,
}

impl Outcome {
    /// Of work on granules of which so many had to be left out.
    pub fn of_left_out(granules: usize) -> Self {
        if granules == 0 { Self::Done } else { Self::Partial }
    }
}

/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done in part, 4 damage found, 130 stopped by Ctrl-C.
pub fn code_of(context: &Context, result: anyhow::Result<Outcome>) -> u8 {
    match result {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::Partial) => 3,
        Ok(Outcome::Damaged) => 4,
        Err(error) => {
            context.error(&error);
            match kind_of(&error) {
                ErrorKind::InvalidArgument => 2,
                ErrorKind::Cancelled => 130,
                _ => 1,
            }
        }
    }
}

/// The stable kind of the first error in the chain that has one.
fn kind_of(error: &anyhow::Error) -> ErrorKind {
    error
        .chain()
        .find_map(karin::kind_of)
        .unwrap_or(ErrorKind::Internal)
}
