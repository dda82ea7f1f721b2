//! Which results are kept: an expression over the statistics of a cell.

use karin_core::Values;

use super::Statistic;
use crate::EngineError;
use crate::expression::{Expression, Program};

/// A condition over statistics, as `count >= 10 and quantile(0.9) < 0.5`.
#[derive(Clone, Debug, PartialEq)]
pub struct Having {
    text: String,
    program: Program,
    /// Of every input of the program.
    statistics: Vec<Statistic>,
}

impl Having {
    /// Parses a condition.
    ///
    /// # Errors
    /// If it is no expression that answers yes or no, or names something else than a statistic.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let (named, quantiles) = with_named_quantiles(text)?;
        let expression = Expression::parse(&named)?;
        let wrong = |reason: String| EngineError::option("--having", format!("{text:?}: {reason}"));
        if !expression.is_boolean() {
            return Err(wrong("expected a condition, as 'count >= 10'".to_owned()));
        }
        let program = Program::compile(&[], &[&expression])?;
        if program.inputs().is_empty() {
            return Err(wrong("it names no statistic".to_owned()));
        }
        let statistic = |name: &String| match quantiles.iter().find(|(known, _)| known == name) {
            Some((_, quantile)) => Ok(*quantile),
            None => name
                .parse()
                .map_err(|error: EngineError| wrong(error.to_string())),
        };
        let statistics = program.inputs().iter().map(statistic).collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.trim().to_owned(),
            program,
            statistics,
        })
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statistics that it names.
    pub fn statistics(&self) -> &[Statistic] {
        &self.statistics
    }

    /// Writes NaN over the floating results of cells that fail; counts stay, and tell why. `results` are those of the
    /// statistics in `computed`.
    pub fn apply(&self, computed: &[Statistic], results: &mut [Values]) {
        let len = results.first().map_or(0, Values::len);
        let keep = self.keep(computed, results, len);
        for values in results {
            if let Values::Float64(values) = values {
                let failing = values.iter_mut().zip(&keep).filter(|(_, keep)| !**keep);
                failing.for_each(|(value, _)| *value = f64::NAN);
            }
        }
    }

    fn keep(&self, computed: &[Statistic], results: &[Values], len: usize) -> Vec<bool> {
        let mut keep = vec![false; len];
        let inputs: Vec<Option<&Values>> = self
            .statistics
            .iter()
            .map(|statistic| {
                let at = computed.iter().position(|known| known == statistic);
                at.and_then(|at| results.get(at))
            })
            .collect();
        self.program.run(
            len,
            &mut self.program.scratch(),
            |input, range, block| match inputs.get(input) {
                Some(Some(Values::Float64(values))) => {
                    block.copy_from_slice(values.get(range).unwrap_or_default());
                }
                Some(Some(Values::Int64(counts))) => {
                    let counts = counts.get(range).unwrap_or_default();
                    block
                        .iter_mut()
                        .zip(counts)
                        .for_each(|(value, count)| *value = *count as f64);
                }
                _ => block.fill(f64::NAN),
            },
            |_, range, block| {
                let keep = keep.get_mut(range).unwrap_or_default();
                // True is 1, false and whatever is NaN are not.
                keep.iter_mut()
                    .zip(block)
                    .for_each(|(keep, value)| *keep = *value == 1.0);
            },
        );
        keep
    }
}

/// The condition with every `quantile(q)` as a name that expressions take, in as many characters, so that errors point to their
/// places; and the quantiles of these names.
fn with_named_quantiles(text: &str) -> Result<(String, Vec<(String, Statistic)>), EngineError> {
    const CALL: &str = "quantile(";
    let (mut named, mut quantiles) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(at) = rest.find(CALL) {
        let (before, call) = rest.split_at(at);
        let Some(end) = call.find(')') else { break };
        let (call, after) = call.split_at(end + 1);
        named.push_str(before);
        let name = format!("quantile_q{}", quantiles.len());
        named.push_str(&format!("{name:<width$}", width = call.len()));
        quantiles.push((name, call.parse()?));
        rest = after;
    }
    named.push_str(rest);
    Ok((named, quantiles))
}
