//! What a user wants: one plain value that means the same on the command line, in Python and over HTTP.

use serde::{Deserialize, Serialize};

use crate::geo::{LonLatBox, Polygon, Region, RegionError};
use crate::number_list::{NumberList, NumberListError};
use crate::quality::{QualityError, QualityLevel};
use crate::time::{TimeError, TimeRange};
use crate::version::InvalidVersionPattern;
use crate::{HalfOrbit, Phase, Product, UnknownProduct};

mod display;
mod words;

pub use words::{Crop, Layout, Nadir, Side, VersionChoice, WordError};

/// What is wanted of a source. Everything that is not said is not restricted.
///
/// It is plain data: a [`SelectionBuilder`] checks it, serde carries it, and [`Display`](std::fmt::Display) writes
/// the command-line flags that make it.
///
/// ```
/// use karin_core::Selection;
/// let selection = Selection::builder().cycles("475-477")?.bbox("-15,34,36,54")?.quality("good")?.build()?;
/// assert_eq!(selection.to_string(), "--cycles 475-477 --bbox -15,34,36,54 --quality good");
/// # Ok::<(), karin_core::SelectionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// Orbit phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Cycle numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<NumberList>,
    /// Pass numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<NumberList>,
    /// Lines by their own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeRange>,
    /// Pixels by where their centre lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// What happens to pixels outside the region.
    pub crop: Crop,
    /// Variables, in the order asked for; empty = every numeric one.
    pub variables: Vec<String>,
    /// Variables that are read beside those asked for: what values are binned by, or compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Least quality of values that are kept.
    pub quality: QualityLevel,
    /// Nadir values that L3 clips into the swath.
    pub nadir: Nadir,
    /// Sides of the swath (products with a group per side).
    pub side: Side,
    /// Expression that is true for values that are kept.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub where_: Option<String>,
    /// Derived variables: name and expression, in the order in which they may use one another.
    pub lets: Vec<(String, String)>,
    /// The height that currents and what follows from them derive from; `None` = the contract's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How they are derived, in the words of the derivation (`l3`, `fit:9`); `None` = as the L3 products do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Which processing of a granule.
    pub version: VersionChoice,
    /// State of a collection: identifier of a snapshot, branch or tag; `None` = the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Form of what is extracted.
    pub layout: Layout,
}

/// A selection that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// Not a product.
    #[error("--product")]
    Product(#[from] UnknownProduct),
    /// Not a version, nor a pattern of versions.
    #[error("--version")]
    Version(#[from] InvalidVersionPattern),
    /// Not a list of numbers.
    #[error("--{option}")]
    Numbers {
        /// The option.
        option: &'static str,
        /// What is wrong.
        #[source]
        source: NumberListError,
    },
    /// Not a range of times.
    #[error("--time")]
    Time(#[from] TimeError),
    /// Not a region.
    #[error("--{option}")]
    Region {
        /// The option.
        option: &'static str,
        /// What is wrong.
        #[source]
        source: RegionError,
    },
    /// Not a quality level.
    #[error("--quality")]
    Quality(#[from] QualityError),
    /// Not one of the words of an option.
    #[error("--{}", .0.option)]
    Word(#[from] WordError),
    /// Two options that exclude each other, or a value that cannot be.
    #[error("--{option} {value}: {reason}")]
    Invalid {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

impl SelectionError {
    /// Stable code.
    pub const fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::InvalidArgument
    }

    fn invalid(option: &'static str, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            option,
            value: value.into(),
            reason: reason.into(),
        }
    }
}

impl Selection {
    /// Starts a selection of everything.
    pub fn builder() -> SelectionBuilder {
        SelectionBuilder::default()
    }

    /// True if a half orbit is not ruled out by phase, cycles and passes.
    pub fn includes(&self, half_orbit: HalfOrbit) -> bool {
        let is_listed =
            |list: &Option<NumberList>, number| list.as_ref().is_none_or(|list| list.contains(number));
        self.phase.is_none_or(|phase| half_orbit.phase() == Some(phase))
            && is_listed(&self.cycles, half_orbit.cycle.0)
            && is_listed(&self.passes, half_orbit.pass.0)
    }

    /// Checks what types alone cannot rule out. Call it on selections that did not come from a builder.
    ///
    /// # Errors
    /// If a list is empty or beyond the mission, a name is none, or a derived variable has no expression.
    pub fn validate(&self) -> Result<(), SelectionError> {
        let phases = self
            .phase
            .map_or(vec![Phase::Science, Phase::CalVal], |phase| vec![phase]);
        let check = |option, list: &Option<NumberList>, exists: &dyn Fn(Phase, u16) -> bool, known: &str| {
            let Some(list) = list else { return Ok(()) };
            match list
                .iter()
                .any(|number| phases.iter().any(|phase| exists(*phase, number)))
            {
                true => Ok(()),
                false => Err(SelectionError::invalid(
                    option,
                    list.to_string(),
                    format!("SWOT has {known}"),
                )),
            }
        };
        let is_cycle =
            |phase: Phase, number| (phase.first_cycle().0..=phase.last_cycle().0).contains(&number);
        let is_pass = |phase: Phase, number| (1..=phase.pass_count()).contains(&number);
        check(
            "cycles",
            &self.cycles,
            &is_cycle,
            "cycles 1-399 (science) and 402-578 (calval)",
        )?;
        check(
            "passes",
            &self.passes,
            &is_pass,
            "passes 1-584 (science) and 1-28 (calval)",
        )?;
        if let Some(name) = self
            .variables
            .iter()
            .chain(&self.also)
            .find(|name| name.trim().is_empty() || name.trim() != name.as_str())
        {
            return Err(SelectionError::invalid("vars", name, "a variable without a name"));
        }
        for (index, (name, expression)) in self.lets.iter().enumerate() {
            let value = || format!("{name}={expression}");
            if !is_identifier(name) {
                return Err(SelectionError::invalid(
                    "let",
                    value(),
                    "expected NAME=EXPRESSION with a plain name",
                ));
            }
            if expression.trim().is_empty() {
                return Err(SelectionError::invalid(
                    "let",
                    value(),
                    "there is no expression after =",
                ));
            }
            if self.lets.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(SelectionError::invalid(
                    "let",
                    value(),
                    format!("{name} is defined twice"),
                ));
            }
        }
        for (option, word) in [("from", &self.from), ("method", &self.method)] {
            if let Some(text) = word.as_ref().filter(|text| text.trim().is_empty()) {
                return Err(SelectionError::invalid(option, text, "an empty word"));
            }
        }
        match &self.where_ {
            Some(text) if text.trim().is_empty() => {
                Err(SelectionError::invalid("where", text, "an empty expression"))
            }
            _ => Ok(()),
        }
    }

    /// The names in `ssha_karin_2, time`, in order and once each.
    ///
    /// # Errors
    /// If a name is empty.
    pub fn parse_variables(text: &str) -> Result<Vec<String>, SelectionError> {
        let mut names: Vec<String> = Vec::new();
        for name in text.split(',').map(str::trim) {
            if name.is_empty() {
                return Err(SelectionError::invalid(
                    "vars",
                    text,
                    "a name is missing between commas",
                ));
            }
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Name and expression of `name=expression`.
    ///
    /// # Errors
    /// If there is no `=`, or what stands before it is no name.
    pub fn parse_let(text: &str) -> Result<(String, String), SelectionError> {
        let wrong = || SelectionError::invalid("let", text, "expected NAME=EXPRESSION with a plain name");
        let (name, expression) = text.split_once('=').ok_or_else(wrong)?;
        let (name, expression) = (name.trim(), expression.trim());
        match is_identifier(name) && !expression.is_empty() && !expression.starts_with('=') {
            true => Ok((name.to_owned(), expression.to_owned())),
            false => Err(wrong()),
        }
    }
}

/// What is wrong with a region, under the option that gave it.
fn region(option: &'static str) -> impl Fn(RegionError) -> SelectionError {
    move |source| SelectionError::Region { option, source }
}

/// Letters, digits and underscores, not beginning with a digit.
fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Makes a [`Selection`] from texts as users write them; [`build`](SelectionBuilder::build) checks the whole.
#[derive(Clone, Debug, Default)]
pub struct SelectionBuilder {
    selection: Selection,
    box_: Option<LonLatBox>,
    polygon: Option<Polygon>,
}

#[allow(
    clippy::missing_errors_doc,
    reason = "each fails if its text is not what its first sentence names"
)]
impl SelectionBuilder {
    /// The product, by any of its names.
    pub fn product(mut self, name: &str) -> Result<Self, SelectionError> {
        self.selection.product = Some(Product::parse(name)?);
        Ok(self)
    }

    /// `calval` or `science`.
    pub fn phase(mut self, name: &str) -> Result<Self, SelectionError> {
        self.selection.phase = Some(words::parse_phase(name)?);
        Ok(self)
    }

    /// Cycle numbers, as `475-477,480`.
    pub fn cycles(mut self, list: &str) -> Result<Self, SelectionError> {
        let parsed = list.parse().map_err(|source| SelectionError::Numbers {
            option: "cycles",
            source,
        })?;
        self.selection.cycles = Some(parsed);
        Ok(self)
    }

    /// Pass numbers, as `1-10,12`.
    pub fn passes(mut self, list: &str) -> Result<Self, SelectionError> {
        let parsed = list.parse().map_err(|source| SelectionError::Numbers {
            option: "passes",
            source,
        })?;
        self.selection.passes = Some(parsed);
        Ok(self)
    }

    /// Times, as `2024-02-01..2024-03-01`.
    pub fn time(mut self, range: &str) -> Result<Self, SelectionError> {
        self.selection.time = Some(range.parse()?);
        Ok(self)
    }

    /// A box, as `W,S,E,N`.
    pub fn bbox(mut self, edges: &str) -> Result<Self, SelectionError> {
        self.box_ = Some(edges.parse().map_err(region("bbox"))?);
        Ok(self)
    }

    /// Polygons, as GeoJSON text.
    pub fn polygon(mut self, geojson: &str) -> Result<Self, SelectionError> {
        self.polygon = Some(geojson.parse().map_err(region("polygon"))?);
        Ok(self)
    }

    /// `exact` or `lines`.
    pub fn crop(mut self, word: &str) -> Result<Self, SelectionError> {
        self.selection.crop = word.parse()?;
        Ok(self)
    }

    /// Names of variables with commas between them, added to those before.
    pub fn variables(mut self, names: &str) -> Result<Self, SelectionError> {
        for name in Selection::parse_variables(names)? {
            if !self.selection.variables.contains(&name) {
                self.selection.variables.push(name);
            }
        }
        Ok(self)
    }

    /// Names of variables that are read beside those asked for, added to those before.
    pub fn also(mut self, names: &str) -> Result<Self, SelectionError> {
        for name in Selection::parse_variables(names)? {
            if !self.selection.also.contains(&name) {
                self.selection.also.push(name);
            }
        }
        Ok(self)
    }

    /// `good`, `suspect`, `degraded` or `any`.
    pub fn quality(mut self, word: &str) -> Result<Self, SelectionError> {
        self.selection.quality = word.parse()?;
        Ok(self)
    }

    /// `keep`, `drop` or `only`.
    pub fn nadir(mut self, word: &str) -> Result<Self, SelectionError> {
        self.selection.nadir = word.parse()?;
        Ok(self)
    }

    /// `left`, `right` or `both`.
    pub fn side(mut self, word: &str) -> Result<Self, SelectionError> {
        self.selection.side = word.parse()?;
        Ok(self)
    }

    /// An expression that is true for values that are kept.
    #[must_use]
    pub fn where_(mut self, expression: &str) -> Self {
        self.selection.where_ = Some(expression.to_owned());
        self
    }

    /// A derived variable, as `name=expression`, added to those before.
    pub fn let_(mut self, definition: &str) -> Result<Self, SelectionError> {
        self.selection.lets.push(Selection::parse_let(definition)?);
        Ok(self)
    }

    /// The height that currents derive from, as `ssha_filtered`.
    #[must_use]
    pub fn from_height(mut self, name: &str) -> Self {
        self.selection.from = Some(name.trim().to_owned());
        self
    }

    /// How currents are derived, as `l3` or `fit:9`.
    #[must_use]
    pub fn method(mut self, words: &str) -> Self {
        self.selection.method = Some(words.trim().to_owned());
        self
    }

    /// `best`, `all`, or a pattern such as `C`, `PIC?` or `v2`.
    pub fn version(mut self, word: &str) -> Result<Self, SelectionError> {
        self.selection.version = word.parse()?;
        Ok(self)
    }

    /// State of a collection.
    #[must_use]
    pub fn snapshot(mut self, name: &str) -> Self {
        self.selection.snapshot = Some(name.to_owned());
        self
    }

    /// `auto`, `granules`, `lines` or `cube`.
    pub fn layout(mut self, word: &str) -> Result<Self, SelectionError> {
        self.selection.layout = word.parse()?;
        Ok(self)
    }

    /// The selection.
    ///
    /// # Errors
    /// If both a box and a polygon are given, and as [`Selection::validate`].
    pub fn build(mut self) -> Result<Selection, SelectionError> {
        self.selection.region = match (self.box_, self.polygon) {
            (Some(bounds), Some(_)) => {
                let reason = "give --bbox or --polygon, not both";
                return Err(SelectionError::invalid("bbox", bounds.to_string(), reason));
            }
            (Some(bounds), None) => Some(Region::Box(bounds)),
            (None, Some(polygon)) => Some(Region::Polygon(polygon)),
            (None, None) => None,
        };
        self.selection.validate()?;
        Ok(self.selection)
    }
}

#[cfg(test)]
mod tests;
