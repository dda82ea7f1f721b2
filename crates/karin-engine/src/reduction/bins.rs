//! Bins of a variable: where values meet that were measured under the same conditions.

use std::fmt;
use std::str::FromStr;

use crate::EngineError;

/// Bins of one variable. A bin holds the values from its lower edge up to but not including its upper one; the last bin
/// holds its upper edge too (as `numpy.histogram` has it). Values outside are in no bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// Name of the variable: stored, derived or defined by a let.
    pub variable: String,
    /// Where bins end and begin.
    pub edges: Edges,
}

/// Where bins end and begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Edges {
    /// To be found from the values themselves before the reduction begins.
    Automatic,
    /// In equal steps.
    Steps {
        /// Lower edge of the first bin.
        from: f64,
        /// Upper edge of the last bin.
        to: f64,
        /// Width of a bin.
        step: f64,
    },
    /// Each by itself, ascending.
    Listed(Vec<f64>),
}

/// Most bins of one variable.
const MOST: usize = 1_000_000;

impl Bins {
    /// The edges, ascending, one more than there are bins. Edges in steps are the decimal numbers that people mean: 0.3, not
    /// 0.30000000000000004.
    ///
    /// # Errors
    /// If there is no bin between them, too many are, or they have not been found yet.
    pub fn edges(&self) -> Result<Vec<f64>, EngineError> {
        let wrong = |reason: String| Err(EngineError::option("--bin", format!("{self}: {reason}")));
        match &self.edges {
            Edges::Automatic => wrong(format!(
                "it does not say where bins begin and end: write {}:FROM:TO:STEP",
                self.variable
            )),
            Edges::Listed(edges) => {
                let ascends = edges.windows(2).all(|pair| pair[0] < pair[1]);
                if edges.len() < 2 || !ascends || edges.iter().any(|edge| !edge.is_finite()) {
                    return wrong("expected two edges or more, ascending".to_owned());
                }
                if edges.len() > MOST {
                    return wrong(format!("more than {MOST} bins"));
                }
                Ok(edges.clone())
            }
            &Edges::Steps { from, to, step } => {
                let numbers = [from, to, step];
                if numbers.iter().any(|number| !number.is_finite()) || step <= 0.0 || to <= from {
                    return wrong("expected FROM < TO and a STEP greater than 0".to_owned());
                }
                let count = ((to - from) / step).round();
                if count > MOST as f64 {
                    return wrong(format!("more than {MOST} bins"));
                }
                if count < 1.0 || ((to - from) / step - count).abs() > 1e-6 * count.max(1.0) {
                    return wrong(format!(
                        "from {from} to {to} is not a whole number of steps of {step}"
                    ));
                }
                let digits = decimals(from).max(decimals(step));
                let edge = |k: usize| {
                    let number = from + step * k as f64;
                    format!("{number:.digits$}").parse().unwrap_or(number)
                };
                Ok((0..=count as usize).map(edge).collect())
            }
        }
    }
}

/// Digits behind the point of the shortest decimal number that is this one.
fn decimals(number: f64) -> usize {
    let text = number.to_string();
    text.split_once('.').map_or(0, |(_, digits)| digits.len())
}

/// `ssha:-1:1:0.01`, `wind_speed_model:0,3,6,12`, or a name alone.
impl FromStr for Bins {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let wrong = || {
            let reason = format!("{text:?}: expected NAME:FROM:TO:STEP, NAME:EDGE,EDGE,..., or a NAME");
            EngineError::option("--bin", reason)
        };
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_error| wrong());
        let (name, rest) = text
            .trim()
            .split_once(':')
            .map_or((text.trim(), None), |(name, rest)| (name, Some(rest)));
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong());
        }
        let edges = match rest.map(|rest| (rest, rest.split(':').collect::<Vec<_>>())) {
            None => Edges::Automatic,
            Some((_, parts)) if parts.len() == 3 => Edges::Steps {
                from: number(parts[0])?,
                to: number(parts[1])?,
                step: number(parts[2])?,
            },
            Some((list, parts)) if parts.len() == 1 => {
                Edges::Listed(list.split(',').map(number).collect::<Result<_, _>>()?)
            }
            Some(_) => return Err(wrong()),
        };
        Ok(Self {
            variable: name.to_owned(),
            edges,
        })
    }
}

impl fmt::Display for Bins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.variable)?;
        match &self.edges {
            Edges::Automatic => Ok(()),
            Edges::Steps { from, to, step } => write!(formatter, ":{from}:{to}:{step}"),
            Edges::Listed(edges) => {
                let edges: Vec<String> = edges.iter().map(ToString::to_string).collect();
                write!(formatter, ":{}", edges.join(","))
            }
        }
    }
}

/// Checks bins of one variable or two.
pub(super) fn check(bins: &[Bins]) -> Result<(), EngineError> {
    for one in bins {
        if one.edges != Edges::Automatic {
            one.edges()?;
        }
    }
    match bins {
        [_] => Ok(()),
        [first, second] if first.variable != second.variable => Ok(()),
        [first, _] => Err(EngineError::option(
            "--bin",
            format!("{} stands twice", first.variable),
        )),
        _ => Err(EngineError::option(
            "--bin",
            "values can be binned by one variable or by two",
        )),
    }
}
