//! The parameters of a request: which an endpoint knows, and what was given.

use karin_core::suggest::did_you_mean;
use percent_encoding::percent_decode_str;

use super::problem::Problem;

/// Most bytes of a query: polygons of 2,000 corners fit.
const MOST_BYTES: usize = 64 << 10;
/// Most parameters of a query.
const MOST_PARAMETERS: usize = 256;

/// What the text of a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number from 0.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A parameter that an endpoint takes.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether it must be given.
    pub is_required: bool,
    /// Whether it may be given several times.
    pub is_repeatable: bool,
    /// What it means.
    pub meaning: &'static str,
}

impl Parameter {
    /// One that may be left out and is given at most once.
    pub const fn new(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self {
            name,
            kind,
            is_required: false,
            is_repeatable: false,
            meaning,
        }
    }

    /// One that must be given.
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// One that may be given several times.
    pub const fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }
}

/// Parameters that every request may have and that do not change the answer.
pub const ALWAYS: [Parameter; 2] = [
    Parameter::new(
        "v",
        Kind::Text,
        "beginning of the snapshot; makes the answer immutable for caches",
    ),
    Parameter::new("job", Kind::Text, "name under which progress can be asked for"),
];

/// What was given, checked against what is known.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// The parameters of a raw query, each of which must be among `known`.
    ///
    /// # Errors
    /// If the query is too long or not UTF-8, a parameter is unknown, given twice, missing, or not what it must be.
    pub fn parse(raw: &str, known: &[&[Parameter]]) -> Result<Self, Problem> {
        let given = pairs(raw)?;
        let find = |name: &str| {
            known
                .iter()
                .copied()
                .flatten()
                .chain(&ALWAYS)
                .find(|parameter| parameter.name == name)
        };
        for (index, (name, value)) in given.iter().enumerate() {
            let Some(parameter) = find(name) else {
                let names = known.iter().copied().flatten().map(|parameter| parameter.name);
                let hint = did_you_mean(name, names);
                return Err(Problem::invalid(format!(
                    "there is no parameter '{}' here{hint}",
                    short(name)
                )));
            };
            if !parameter.is_repeatable && given.iter().take(index).any(|(other, _)| other == name) {
                return Err(Problem::invalid(format!("{name} is given twice")));
            }
            check(parameter, value)?;
        }
        let mut all = known.iter().copied().flatten();
        if let Some(missing) = all
            .find(|parameter| parameter.is_required && !given.iter().any(|(name, _)| name == parameter.name))
        {
            return Err(Problem::invalid(format!(
                "{} is missing: {}",
                missing.name, missing.meaning
            )));
        }
        Ok(Self(given))
    }

    /// With another parameter.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut params = self.clone();
        params.0.push((name.to_owned(), value.to_owned()));
        params
    }

    /// The text of a parameter, if given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All texts of a parameter, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A whole number, if given.
    pub fn integer(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    /// A number, if given.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok()
    }

    /// The text of a parameter that must be there.
    ///
    /// # Errors
    /// If it is not.
    pub fn require(&self, name: &str) -> Result<&str, Problem> {
        self.text(name)
            .ok_or_else(|| Problem::invalid(format!("{name} is missing")))
    }

    /// `A-B` or `A`, both included, from 0.
    ///
    /// # Errors
    /// If it is neither, or B lies before A.
    pub fn range(&self, name: &str) -> Result<Option<std::ops::RangeInclusive<usize>>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse::<u32>(), last.parse::<u32>()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Some(first as usize..=last as usize)),
            _ => Err(Problem::invalid(format!(
                "{name} '{}': expected numbers from 0, as 0-511",
                short(text)
            ))),
        }
    }

    /// What tells one answer from another: everything but `v`, `job` and `key`, in one order.
    pub fn canonical(&self) -> String {
        let mut pairs: Vec<&(String, String)> = self
            .0
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "v" | "job" | "key"))
            .collect();
        // Repeated parameters keep their order, which means something.
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let texts: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}\u{1}{value}\u{2}"))
            .collect();
        texts.concat()
    }
}

fn check(parameter: &Parameter, value: &str) -> Result<(), Problem> {
    let wrong = |expected: &str| {
        let found = short(value);
        Err(Problem::invalid(format!(
            "{} '{found}': expected {expected}",
            parameter.name
        )))
    };
    if value.contains('\0') {
        return wrong("text without NUL");
    }
    match parameter.kind {
        Kind::Integer if value.parse::<u32>().is_err() => wrong("a whole number from 0"),
        Kind::Number if !value.parse::<f64>().is_ok_and(f64::is_finite) => wrong("a number"),
        Kind::Flag if !matches!(value, "true" | "false") => wrong("true or false"),
        Kind::Word(words) if !words.contains(&value) => wrong(&format!(
            "{}{}",
            words.join(", "),
            did_you_mean(value, words.iter().copied())
        )),
        _ => Ok(()),
    }
}

/// Names and values of a raw query.
fn pairs(raw: &str) -> Result<Vec<(String, String)>, Problem> {
    if raw.len() > MOST_BYTES {
        return Err(Problem::too_long(format!(
            "a query of {} bytes: at most {MOST_BYTES} are read",
            raw.len()
        )));
    }
    let mut found = Vec::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        if found.len() == MOST_PARAMETERS {
            return Err(Problem::invalid(format!(
                "more than {MOST_PARAMETERS} parameters"
            )));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text)
                .decode_utf8()
                .map(|text| text.into_owned())
        };
        match (decode(name), decode(value)) {
            (Ok(name), Ok(value)) => found.push((name, value)),
            _ => return Err(Problem::invalid("the query is not UTF-8")),
        }
    }
    Ok(found)
}

/// The beginning of a text, for messages.
pub fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Parameter] = &[
        Parameter::new("group", Kind::Text, "the group").required(),
        Parameter::new("lines", Kind::Text, "lines"),
        Parameter::new("lon", Kind::Number, "longitude"),
        Parameter::new("let", Kind::Text, "expression").repeatable(),
        Parameter::new("stat", Kind::Word(&["mean", "last"]), "statistic"),
    ];

    fn parse(raw: &str) -> Result<Params, String> {
        Params::parse(raw, &[KNOWN]).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn what_is_given_is_decoded_and_kept_in_order() {
        let params = parse("group=a%20b&let=x%3D1&let=y=x+2&lon=-5.5&lines=3-7").unwrap();
        assert_eq!(params.text("group"), Some("a b"));
        assert_eq!(params.all("let").collect::<Vec<_>>(), ["x=1", "y=x 2"]);
        assert_eq!(
            (params.number("lon"), params.range("lines").unwrap()),
            (Some(-5.5), Some(3..=7))
        );
    }

    #[test]
    fn answers_are_told_apart_by_what_matters_alone() {
        let same = ["group=a&let=x&let=y&v=1", "let=x&group=a&let=y&job=7"]
            .map(|raw| parse(raw).unwrap().canonical());
        assert_eq!(same[0], same[1]);
        assert_ne!(same[0], parse("group=a&let=y&let=x").unwrap().canonical());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_advice() {
        for (raw, said) in [
            ("lines=1", "group is missing"),
            ("group=a&line=1", "did you mean 'lines'"),
            ("group=a&group=b", "given twice"),
            ("group=a&lon=NaN", "expected a number"),
            ("group=a&lon=1e999", "expected a number"),
            ("group=a&stat=meen", "did you mean 'mean'"),
            ("group=%ff", "not UTF-8"),
            ("group=%00", "NUL"),
        ] {
            let said_of = parse(raw).unwrap_err();
            assert!(said_of.contains(said), "{raw}: {said_of}");
        }
        assert!(
            parse(&format!("group={}", "a".repeat(1 << 17)))
                .unwrap_err()
                .contains("at most")
        );
        assert!(parse(&"let=a&".repeat(1000)).unwrap_err().contains("more than"));
        assert!(parse("group=a&lines=7-3").unwrap().range("lines").is_err());
    }
}
