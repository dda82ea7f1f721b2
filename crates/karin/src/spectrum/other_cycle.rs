//! The other side of cross-spectra between cycles.

use std::collections::HashMap;
use std::str::FromStr;

use karin_core::{HalfOrbit, NumberList};
use karin_engine::{EngineError, Piece, Plan};

use crate::Error;

/// Which cycle a pass is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherCycle {
    /// This one, with every other cycle of the selection.
    Number(u16),
    /// The one so many cycles later: of every pass that the selection has twice.
    Later(u16),
}

impl OtherCycle {
    /// The cycles of a selection, and this one if it is a number.
    pub fn added_to(self, cycles: &NumberList) -> NumberList {
        let own = match self {
            Self::Number(number) => Some(number..=number),
            Self::Later(_) => None,
        };
        NumberList::from_ranges(cycles.ranges().chain(own))
    }

    /// What a variable of the other cycle is called.
    pub(super) fn name_of(self, variable: &str) -> String {
        match self {
            Self::Number(number) => format!("{variable}_cycle_{number}"),
            Self::Later(count) => format!("{variable}_lag_{count}"),
        }
    }

    /// The granules of a plan that have a partner, with it.
    pub(super) fn pairs(self, plan: &Plan) -> Result<Vec<(Piece, Piece)>, Error> {
        let key = |half: HalfOrbit| (half.cycle.0, half.pass.0);
        let pieces = plan.pieces().iter();
        let by_place: HashMap<(u16, u16), Piece> = pieces
            .filter_map(|piece| Some((key(piece.half_orbit?), *piece)))
            .collect();
        let partner = |piece: &Piece| {
            let (cycle, pass) = key(piece.half_orbit?);
            let other = match self {
                Self::Number(number) => number,
                Self::Later(count) => cycle.checked_add(count)?,
            };
            (other != cycle).then_some(())?;
            by_place.get(&(other, pass)).copied()
        };
        let pairs: Vec<(Piece, Piece)> = plan
            .pieces()
            .iter()
            .filter_map(|piece| Some((*piece, partner(piece)?)))
            .collect();
        if pairs.is_empty() {
            let reason =
                format!("no pass is there in two cycles as --with-cycle {self} wants: select more cycles");
            return Err(EngineError::Empty(reason).into());
        }
        Ok(pairs)
    }
}

impl FromStr for OtherCycle {
    type Err = String;

    /// From `20` (that cycle) or `+1` (the next one).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("expected the number of a cycle, or +1 for the next one, found {text:?}");
        let number = |digits: &str| match digits.parse::<u16>() {
            Ok(number) if number > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
            _ => Err(wrong()),
        };
        match text.trim().strip_prefix('+') {
            Some(count) => number(count).map(Self::Later),
            None => number(text.trim()).map(Self::Number),
        }
    }
}

impl std::fmt::Display for OtherCycle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Later(count) => write!(formatter, "+{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OtherCycle;

    #[test]
    fn cycles_are_numbers_or_steps() {
        assert_eq!("20".parse(), Ok(OtherCycle::Number(20)));
        assert_eq!(" +1 ".parse(), Ok(OtherCycle::Later(1)));
        for text in ["", "0", "+0", "-1", "++1", "next", "70000"] {
            assert!(text.parse::<OtherCycle>().is_err(), "{text}");
        }
        assert_eq!(OtherCycle::Later(2).to_string(), "+2");
    }
}
