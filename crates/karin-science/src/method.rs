//! How derivatives are taken, as users write it.

use std::fmt;
use std::str::FromStr;

use crate::fit::{Degree, Fit, Shape, Weights};
use crate::{Cyclogeostrophy, ScienceError, stencil};

/// How derived quantities are computed. Written as the derivative (`l3`, `curvilinear`, `fit:9`,
/// `fit:9:square:gaussian:plane`) and options after commas: `l3,noise=0.005`,
/// `fit:9,cyclo=variational`. Each may be left out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Method {
    /// How derivatives are taken.
    pub derivative: Derivative,
    /// Standard deviation of the independent noise of the height in metres, for uncertainties; 1 cm by default.
    pub noise: f64,
    /// How cyclogeostrophic currents are solved.
    pub cyclogeostrophy: Cyclogeostrophy,
}

impl Default for Method {
    fn default() -> Self {
        Self {
            derivative: Derivative::default(),
            noise: 0.01,
            cyclogeostrophy: Cyclogeostrophy::default(),
        }
    }
}

/// How derivatives are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Derivative {
    /// The nine-point differences of the AVISO L3 product ([`crate::stencil`]).
    #[default]
    L3,
    /// Least-squares surfaces ([`crate::fit`]).
    Fit(Fit),
    /// Two-point differences on the curvilinear metric ([`crate::curvilinear`]).
    Curvilinear,
}

/// The first words of a method.
const WORDS: &[&str] = &["l3", "fit", "curvilinear"];
/// The options of a method.
const OPTIONS: &[&str] = &["noise", "cyclo"];
/// The words of a fit beside its size.
const FIT_WORDS: &[&str] = &["disc", "square", "flat", "gaussian", "plane", "quadratic"];

impl Derivative {
    /// The fit of second degree that this is, if it is one.
    pub(crate) fn quadratic_fit(&self) -> Option<&Fit> {
        match self {
            Self::Fit(fit) if fit.degree() == Degree::Quadratic => Some(fit),
            _ => None,
        }
    }

    /// Lines that a first derivative needs on either side.
    pub fn half(&self) -> usize {
        match self {
            Self::L3 => stencil::HALF,
            Self::Fit(fit) => fit.size() / 2,
            Self::Curvilinear => 1,
        }
    }
}

impl fmt::Display for Derivative {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fit = match self {
            Self::L3 => return formatter.write_str("l3"),
            Self::Curvilinear => return formatter.write_str("curvilinear"),
            Self::Fit(fit) => fit,
        };
        write!(formatter, "fit:{}", fit.size())?;
        let words = [
            (fit.shape() == Shape::Square, ":square"),
            (fit.weights() == Weights::Gaussian, ":gaussian"),
            (fit.degree() == Degree::Plane, ":plane"),
        ];
        for (_, word) in words.into_iter().filter(|(differs, _)| *differs) {
            formatter.write_str(word)?;
        }
        Ok(())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.derivative.fmt(formatter)?;
        let default = Self::default();
        if self.noise != default.noise {
            write!(formatter, ",noise={}", self.noise)?;
        }
        if self.cyclogeostrophy != default.cyclogeostrophy {
            write!(formatter, ",cyclo={}", self.cyclogeostrophy)?;
        }
        Ok(())
    }
}

impl FromStr for Derivative {
    type Err = ScienceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        let mut words = text.split(':').map(str::trim);
        let first = words.next().unwrap_or_default();
        let derivative = match first {
            "l3" => Self::L3,
            "curvilinear" => Self::Curvilinear,
            "fit" => return Ok(Self::Fit(parse_fit(words)?)),
            other => return Err(unknown(other, "method of derivation", WORDS)),
        };
        match words.next() {
            None => Ok(derivative),
            Some(word) => Err(unknown(word, "option of this method", &["nothing"])),
        }
    }
}

impl FromStr for Method {
    type Err = ScienceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut method = Self::default();
        for (place, part) in text.split(',').map(str::trim).enumerate() {
            match part.split_once('=') {
                Some((option, value)) => method.set(&option.trim().to_ascii_lowercase(), value.trim())?,
                None if place == 0 => method.derivative = part.parse()?,
                None => return Err(unknown(part, "option of a method", OPTIONS)),
            }
        }
        Ok(method)
    }
}

impl Method {
    fn set(&mut self, option: &str, value: &str) -> Result<(), ScienceError> {
        match option {
            "cyclo" => self.cyclogeostrophy = value.parse()?,
            "noise" => self.noise = parse_noise(value)?,
            other => return Err(unknown(other, "option of a method", OPTIONS)),
        }
        Ok(())
    }
}

fn parse_noise(value: &str) -> Result<f64, ScienceError> {
    let noise = value
        .parse()
        .ok()
        .filter(|noise: &f64| noise.is_finite() && *noise >= 0.0);
    noise.ok_or_else(|| ScienceError::OutOfRange {
        what: "the noise",
        found: value.to_owned(),
        expected: "a standard deviation in metres",
    })
}

fn parse_fit<'a>(words: impl Iterator<Item = &'a str>) -> Result<Fit, ScienceError> {
    let words: Vec<&str> = words.collect();
    let size = words
        .iter()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let mut fit = match size {
        None => Fit::default(),
        Some(word) => Fit::new(word.parse().map_err(|_| ScienceError::OutOfRange {
            what: "the size of a fit's window",
            found: (*word).to_owned(),
            expected: "an odd number from 3 to 25",
        })?)?,
    };
    for word in words.iter().filter(|word| Some(*word) != size) {
        fit = match *word {
            "disc" => fit.with_shape(Shape::Disc),
            "square" => fit.with_shape(Shape::Square),
            "flat" => fit.with_weights(Weights::Flat),
            "gaussian" => fit.with_weights(Weights::Gaussian),
            "plane" => fit.with_degree(Degree::Plane),
            "quadratic" => fit.with_degree(Degree::Quadratic),
            other => return Err(unknown(other, "option of a fit", FIT_WORDS)),
        };
    }
    Ok(fit)
}

fn unknown(word: &str, what: &'static str, known: &'static [&'static str]) -> ScienceError {
    ScienceError::UnknownWord {
        word: word.to_owned(),
        what,
        known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_read_as_they_are_written() {
        for text in [
            "l3",
            "curvilinear",
            "fit:9",
            "fit:25:square",
            "fit:3:square:gaussian:plane",
            "fit:5,noise=0.002",
            "l3,noise=0.002,cyclo=gradient_wind",
        ] {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
        }
        assert_eq!("FIT".parse::<Method>().unwrap().to_string(), "fit:9");
        assert_eq!(
            "fit:plane:5:disc".parse::<Method>().unwrap().to_string(),
            "fit:5:plane"
        );
        assert_eq!(Method::default(), "l3".parse().unwrap());
        assert_eq!("noise=0.5".parse::<Method>().unwrap().to_string(), "l3,noise=0.5");
    }

    #[test]
    fn what_is_no_method_says_what_is() {
        let refused = |text: &str| text.parse::<Method>().unwrap_err().to_string();
        assert!(refused("curviliner").ends_with("did you mean 'curvilinear'?"));
        assert!(refused("fit:9:sqare").ends_with("did you mean 'square'?"));
        assert!(refused("fit:8").contains("odd number from 3 to 25"));
        assert!(refused("fit:27").contains("odd number from 3 to 25"));
        assert!(refused("fit:9x").contains("'9x'"));
        assert!(refused("l3,nois=1").ends_with("did you mean 'noise'?"));
        assert!(refused("l3,cyclo=variatonal").ends_with("did you mean 'variational'?"));
        assert!(refused("l3,noise=-1").contains("standard deviation in metres"));
        assert!(refused("l3:9").contains("option of this method"));
    }
}
