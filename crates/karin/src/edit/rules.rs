//! Rules of editing, read from TOML.
//!
//! ```toml
//! variable = "ssha"
//!
//! [[rule]]
//! name = "not over the ocean"
//! keep = "ancillary_surface_classification_flag == 0"
//!
//! [[rule]]
//! name = "far from the mean"
//! mean_std = { n = 3.0, iterations = 10 }
//!
//! [[rule]]
//! name = "spikes"
//! median = { lines = 5, pixels = 5, n = 5.0 }
//!
//! [[rule]]
//! name = "rough along track"
//! spline = { wavelength = 20, n = 5.0 }
//! ```

use serde::Deserialize;

use crate::Error;

/// A chain of rules for one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// What is edited.
    pub variable: String,
    /// The rules, in the order of their numbers.
    pub rules: Vec<Rule>,
}

/// A named rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What the report calls it.
    pub name: String,
    /// What it looks at.
    pub test: Test,
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// Keeps pixels where the expression is true.
    Keep(String),
    /// Rejects pixels where the expression is true.
    Reject(String),
    /// Rejects what is more than `n` standard deviations from the mean of the granule, again and again.
    MeanStd {
        /// Standard deviations.
        n: f64,
        /// Most repetitions.
        iterations: usize,
    },
    /// Rejects what is more than `n` standard deviations from the median of its window.
    Median {
        /// Lines of the window, odd.
        lines: usize,
        /// Pixels of the window, odd.
        pixels: usize,
        /// Standard deviations.
        n: f64,
    },
    /// Rejects what is more than `n` standard deviations from a smoothing spline along its pixel column.
    Spline {
        /// Wavelength in lines of which half the amplitude passes the spline.
        wavelength: f64,
        /// Standard deviations.
        n: f64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    variable: String,
    #[serde(default)]
    rule: Vec<toml::Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    keep: Option<String>,
    reject: Option<String>,
    mean_std: Option<MeanStd>,
    median: Option<Median>,
    spline: Option<Spline>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeanStd {
    n: f64,
    #[serde(default = "ten")]
    iterations: usize,
}

fn ten() -> usize {
    10
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Median {
    lines: usize,
    pixels: usize,
    n: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spline {
    wavelength: f64,
    n: f64,
}

impl Rules {
    /// From the text of a file; `path` is how errors name it.
    ///
    /// # Errors
    /// If it is no TOML, a rule has no test or several, or a number makes no sense: with the line.
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let line_of = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        let refused = |line: usize, reason: &str| Error::option(&format!("{path}, line {line}"), reason);
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(span.start));
            refused(line, error.message())
        })?;
        if file.rule.is_empty() || file.rule.len() > karin_science::editing::Chain::MOST_RULES {
            return Err(refused(1, "expected from one to 254 [[rule]]"));
        }
        let mut rules: Vec<Rule> = Vec::new();
        for entry in file.rule {
            let line = line_of(entry.span().start);
            let rule = rule_of(entry.into_inner()).map_err(|reason| refused(line, &reason))?;
            if rules.iter().any(|other| other.name == rule.name) {
                return Err(refused(
                    line,
                    &format!("there are two rules of the name {:?}", rule.name),
                ));
            }
            rules.push(rule);
        }
        let variable = file.variable;
        Ok(Self { variable, rules })
    }
}

fn rule_of(entry: Entry) -> Result<Rule, String> {
    let tests = [
        entry.keep.map(Test::Keep),
        entry.reject.map(Test::Reject),
        entry.mean_std.map(|own| Test::MeanStd {
            n: own.n,
            iterations: own.iterations,
        }),
        entry.median.map(|own| Test::Median {
            lines: own.lines,
            pixels: own.pixels,
            n: own.n,
        }),
        entry.spline.map(|own| Test::Spline {
            wavelength: own.wavelength,
            n: own.n,
        }),
    ];
    let mut tests = tests.into_iter().flatten();
    let (Some(test), None) = (tests.next(), tests.next()) else {
        return Err(format!(
            "rule {:?}: expected exactly one of keep, reject, mean_std, median and spline",
            entry.name
        ));
    };
    let (n, is_sound, expected) = match test {
        Test::Keep(_) | Test::Reject(_) => (1.0, true, ""),
        Test::MeanStd { n, iterations } => (n, (1..=1000).contains(&iterations), "1 to 1,000 iterations"),
        Test::Median { lines, pixels, n } => {
            let is_window = |size: usize| size % 2 == 1 && size <= 201;
            (
                n,
                is_window(lines) && is_window(pixels),
                "odd numbers of lines and pixels up to 201",
            )
        }
        Test::Spline { wavelength, n } => {
            let is_sound = (2.0..=1e5).contains(&wavelength);
            (n, is_sound, "a wavelength from 2 to 100,000 lines")
        }
    };
    if !(n > 0.0 && n.is_finite()) {
        return Err(format!("rule {:?}: expected n > 0, found {n}", entry.name));
    }
    if !is_sound {
        return Err(format!("rule {:?}: expected {expected}", entry.name));
    }
    Ok(Rule {
        name: entry.name,
        test,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        Rules::parse(text, "rules.toml")
            .expect_err("it is faulty")
            .to_string()
    }

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let text: String = include_str!("rules.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
            .collect();
        let rules = Rules::parse(&text, "rules.toml").unwrap();
        assert_eq!((rules.variable.as_str(), rules.rules.len()), ("ssha", 4));
        let spikes = Test::Median {
            lines: 5,
            pixels: 5,
            n: 5.0,
        };
        assert_eq!(rules.rules[2].test, spikes);
    }

    #[test]
    fn faults_are_told_with_their_line() {
        for (text, words) in [
            ("variable = 3", "line 1"),
            ("variable = 'ssha'\n[[rule]]\nname = 'a'\nkep = 'x'", "line 4"),
            ("variable = 'ssha'\n\n[[rule]]\nname = 'a'", "exactly one"),
            (
                "variable = 'ssha'\n[[rule]]\nname = 'a'\nmean_std = { n = -1 }",
                "n > 0",
            ),
            (
                "variable = 'ssha'\n[[rule]]\nname = 'a'\nmedian = { lines = 4, pixels = 3, n = 1 }",
                "odd",
            ),
            ("variable = 'ssha'", "[[rule]]"),
            (
                "variable = 'ssha'\n[[rule]]\nname='a'\nkeep='x'\n[[rule]]\nname='a'\nkeep='y'",
                "two rules",
            ),
        ] {
            let reason = reason(text);
            assert!(
                reason.contains(words) && reason.contains("rules.toml, line"),
                "{text}: {reason}"
            );
        }
    }
}
