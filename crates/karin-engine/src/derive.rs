//! Expressions of a selection and the derived quantities that every surface names alike.
//!
//! Two kinds: what one pixel gives (`ssha`, `adt`: expressions), and quantities of the swath, which need the heights
//! around a pixel (`u_geo`, `vorticity`: `karin-science`). In programs the latter stand as inputs beside stored variables.

mod built_in;

use karin_core::{Attributes, DType, GroupMeta, Selection, Storage, VariableMeta};
use karin_science::{Height, Method, Quantity};

use crate::EngineError;
use crate::expression::{Expression, ExpressionError, Let, Program};

pub use built_in::built_in;
use built_in::{CALIBRATED, LONG_NAMES};

/// The parsed expressions of a selection, and how it derives quantities of the swath.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Formulas {
    lets: Vec<Let>,
    condition: Option<Expression>,
    from: Option<String>,
    method: Method,
    /// Quantities of the swath that variables, lets or the condition name.
    quantities: Vec<Quantity>,
    /// One of them is named, in one place, and no let stands between.
    is_asked_once: bool,
    /// Bytes per pixel of each filter that they use.
    filters: Vec<usize>,
}

impl Formulas {
    /// Parses `--let`, `--where` and `--method`.
    ///
    /// # Errors
    /// If one is faulty.
    pub fn new(selection: &Selection) -> Result<Self, EngineError> {
        let mut formulas = Self::parse(selection)?;
        let named = selection.variables.iter().chain(&selection.also);
        let named = named.map(|name| unqualified(name));
        let mut quantities: Vec<Quantity> = named
            .chain(formulas.variables())
            .filter_map(Quantity::from_name)
            .collect();
        formulas.is_asked_once = quantities.len() == 1 && formulas.lets.is_empty();
        quantities.sort_unstable();
        quantities.dedup();
        formulas.quantities = quantities;
        formulas.filters = formulas.filters_of(selection);
        Ok(formulas)
    }

    fn parse(selection: &Selection) -> Result<Self, EngineError> {
        let lets = selection
            .lets
            .iter()
            .map(|(name, text)| Let::new(name, Expression::parse(text)?));
        let lets = lets.collect::<Result<Vec<_>, ExpressionError>>()?;
        let condition = selection.where_.as_deref().map(Expression::parse).transpose()?;
        let method = selection.method.as_deref().unwrap_or_default();
        let method = match method {
            "" => Method::default(),
            words => words.parse().map_err(|error: karin_science::ScienceError| {
                EngineError::option("--method", error.to_string())
            })?,
        };
        Ok(Self {
            lets,
            condition,
            from: selection.from.clone(),
            method,
            quantities: Vec::new(),
            is_asked_once: false,
            filters: Vec::new(),
        })
    }

    /// True if nobody but the first who asks for a quantity of some lines will ask again: it need not be kept.
    pub(crate) fn is_asked_once(&self) -> bool {
        self.is_asked_once
    }

    /// True if the selection filters fields, which takes how far apart pixels are.
    pub(crate) fn has_filters(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Bytes per pixel of the filters of a selection.
    fn filters_of(&self, selection: &Selection) -> Vec<usize> {
        let mut filters = Vec::new();
        let mut visit = |expression: &Expression| {
            expression.visit_filters(&mut |filter| filters.push(filter.bytes_per_pixel()));
        };
        for expression in self.lets.iter().map(|own| &own.expression).chain(&self.condition) {
            visit(expression);
        }
        let named = selection.variables.iter().map(|name| unqualified(name));
        let names = named.chain(self.variables()).chain(self.from.as_deref());
        for _ in names.filter(|name| *name == CALIBRATED.0) {
            let parsed = Expression::parse(CALIBRATED.1);
            parsed.iter().for_each(&mut visit);
        }
        filters
    }

    /// True if a name can be derived from what the group stores: by an expression or from the heights around a pixel.
    pub(crate) fn derives(&self, group: &GroupMeta, name: &str) -> bool {
        built_in(group).iter().any(|formula| formula.name == name) || self.is_quantity(group, name)
    }

    /// True if the selection names quantities of the swath.
    pub(crate) fn has_quantities(&self) -> bool {
        !self.quantities.is_empty()
    }

    /// Bytes per pixel that deriving quantities of the swath and filtering take beside their results.
    pub fn bytes_per_pixel(&self) -> usize {
        let wanted = self.quantities.iter();
        let most = wanted
            .clone()
            .map(|quantity| quantity.bytes_per_pixel(&self.method));
        // Heights, positions and geometry; what is computed with.
        let computed = most.max().map_or(0, |most| 112 + most);
        let in_blocks = wanted
            .clone()
            .all(|quantity| quantity.reach(&self.method).is_some());
        let computed = match computed {
            // Of all lines heights and positions as they are stored; the rest of a block of them.
            computed if in_blocks && computed > 0 => 40 + computed / 4,
            computed => computed,
        };
        // Several are computed at once and kept for those who ask next: a thread's share of the memory is at most so many times what
        // is kept of them, and what does not stay would be computed again and again.
        let kept = match self.quantities.len() {
            many if many > 1 => 64 * many,
            one => 16 * one,
        };
        let quantities = computed + kept;
        // Fields before and after, what is computed with; kept fields.
        let filters = self
            .filters
            .iter()
            .max()
            .map_or(0, |most| 24 + most + 8 * self.filters.len());
        quantities + filters
    }

    /// How quantities of the swath are derived.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The quantities of the swath that the selection needs from a group, those of one height together.
    pub(crate) fn quantities(&self, group: &GroupMeta, height: Height) -> Vec<Quantity> {
        let wanted = self.quantities.iter().copied();
        wanted
            .filter(|quantity| quantity.height() == height && self.is_quantity(group, quantity.name()))
            .collect()
    }

    /// The heights that quantities of the swath derive from which the selection needs from a group.
    pub(crate) fn heights(&self, group: &GroupMeta) -> impl Iterator<Item = Height> {
        let wanted = self.quantities.iter();
        wanted.filter_map(|quantity| Some(self.quantity(group, quantity.name())?.height()))
    }

    /// True if a name is a quantity of the swath there: neither stored nor defined otherwise, and of a height that the
    /// group has.
    fn is_quantity(&self, group: &GroupMeta, name: &str) -> bool {
        self.quantity(group, name).is_some()
    }

    /// The quantity of the swath that a name stands for in a group.
    pub(crate) fn quantity(&self, group: &GroupMeta, name: &str) -> Option<Quantity> {
        let quantity = Quantity::from_name(name)?;
        let is_other = has(group, name) || self.lets.iter().any(|definition| definition.name == name);
        let derivable = !is_other && self.height(group, quantity.height()).is_some();
        derivable.then_some(quantity)
    }

    /// The name of the height that quantities derive from in a group; `None` if the group has none.
    pub(crate) fn height(&self, group: &GroupMeta, height: Height) -> Option<String> {
        let candidates: Vec<&str> = match (height, self.from.as_deref()) {
            (Height::Absolute, _) => vec!["adt"],
            (_, Some(from)) => vec![from],
            (_, None) => vec!["ssha_filtered", "ssha"],
        };
        let definitions = self.definitions(group);
        let defined = |name: &str| definitions.iter().any(|definition| definition.name == name);
        let found = candidates
            .into_iter()
            .find(|name| has(group, name) || defined(name));
        found.map(str::to_owned)
    }

    /// Compiles the height that quantities derive from.
    ///
    /// # Errors
    /// If the group has none, or it derives from such a quantity itself.
    pub(crate) fn height_program(
        &self,
        group: &GroupMeta,
        height: Height,
    ) -> Result<Program, ExpressionError> {
        let name = self.height(group, height).unwrap_or_else(|| "ssha".to_owned());
        let expression = Expression::of_name(&name);
        let program = self.compile(group, &expression)?;
        let stored: Vec<&str> = names_of(group).collect();
        let circular = program.variables().find(|input| !stored.contains(input));
        if let Some(circular) = circular {
            let message = format!(
                "{name} derives from {circular}: it cannot be the height that {circular} derives from"
            );
            return Err(ExpressionError::new(&name, 0, message));
        }
        Ok(program)
    }

    /// Why a quantity of the swath that is named cannot be derived in a group that has its height.
    pub(crate) fn fault(&self, group: &GroupMeta) -> Option<ExpressionError> {
        let wanted = self
            .quantities
            .iter()
            .filter(|quantity| self.is_quantity(group, quantity.name()));
        wanted
            .filter_map(|quantity| self.height_program(group, quantity.height()).err())
            .next()
    }

    /// The lets, in order.
    pub fn lets(&self) -> &[Let] {
        &self.lets
    }

    /// The condition of `--where`.
    pub fn condition(&self) -> Option<&Expression> {
        self.condition.as_ref()
    }

    /// Names that the expressions use and that are no lets: variables or derived quantities.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let expressions = self
            .lets
            .iter()
            .map(|definition| &definition.expression)
            .chain(&self.condition);
        let defined = |name: &str| self.lets.iter().any(|definition| definition.name == name);
        expressions
            .flat_map(Expression::names)
            .filter(move |name| !defined(name))
    }

    /// The lets as they apply to a group: derived quantities that it allows first, then the user's.
    fn definitions(&self, group: &GroupMeta) -> Vec<Let> {
        let own = |name: &str| self.lets.iter().any(|definition| definition.name == name);
        let mut definitions: Vec<Let> = built_in(group)
            .into_iter()
            .filter(|definition| !own(&definition.name))
            .collect();
        definitions.extend(self.lets.iter().cloned());
        definitions
    }

    /// Compiles a let or derived quantity for the variables of a group.
    ///
    /// # Errors
    /// If it uses what the group lacks.
    pub fn program(&self, group: &GroupMeta, name: &str) -> Result<Program, ExpressionError> {
        self.compile(group, &Expression::of_name(name))
    }

    /// Compiles the condition for the variables of a group; `None` without one.
    ///
    /// # Errors
    /// As [`Formulas::program`].
    pub fn condition_program(&self, group: &GroupMeta) -> Result<Option<Program>, ExpressionError> {
        self.condition
            .as_ref()
            .map(|condition| self.compile(group, condition))
            .transpose()
    }

    fn compile(&self, group: &GroupMeta, expression: &Expression) -> Result<Program, ExpressionError> {
        let definitions = self.definitions(group);
        let program = Program::compile(&definitions, &[expression])?;
        let stored: Vec<&str> = names_of(group).collect();
        let mut known = stored.clone();
        known.extend(definitions.iter().map(|definition| definition.name.as_str()));
        for quantity in Quantity::ALL {
            if self.is_quantity(group, quantity.name()) {
                known.push(quantity.name());
            }
        }
        expression.check_names(&known)?;
        for definition in &definitions {
            let names = definition.expression.names();
            if program.variables().any(|input| names.contains(&input)) {
                definition.expression.check_names(&known)?;
            }
        }
        Ok(program)
    }

    /// The stored variables that a derived one is made of; `None` if the group lacks some.
    pub fn inputs_of(&self, group: &GroupMeta, name: &str) -> Option<Vec<String>> {
        let definitions = self.definitions(group);
        let is_defined = definitions.iter().any(|definition| definition.name == name);
        let is_derived = is_defined || self.is_quantity(group, name);
        let program = is_derived.then(|| self.program(group, name).ok())??;
        let mut inputs: Vec<String> = Vec::new();
        for input in program.variables() {
            match self.quantity(group, input) {
                None if has(group, input) => inputs.push(input.to_owned()),
                None => return None,
                Some(quantity) => {
                    let height = self.height_program(group, quantity.height()).ok()?;
                    inputs.extend(height.variables().map(str::to_owned));
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        inputs.retain(|input| seen.insert(input.clone()));
        Some(inputs)
    }

    /// Metadata of a derived variable; `None` if the group lacks what it is made of.
    pub fn describe(&self, group: &GroupMeta, name: &str) -> Option<VariableMeta> {
        let inputs = self.inputs_of(group, name)?;
        if let Some(quantity) = self.quantity(group, name) {
            return Some(self.describe_quantity(group, quantity));
        }
        let definitions = self.definitions(group);
        let definition = definitions.iter().find(|definition| definition.name == name)?;
        let mut attributes = Attributes::new();
        let formula = format!("{name} = {}", definition.expression.text().trim());
        let is_user = self.lets.iter().any(|own| own.name == name);
        // What users define is called by its name, which labels of pictures show where there is no long one.
        if !is_user && let Some((_, long_name)) = LONG_NAMES.iter().find(|(known, _)| *known == name) {
            attributes.set("long_name", *long_name);
        }
        let units_of = |name: &str| {
            let own = group.variables.iter().find(|variable| variable.name == name)?;
            own.attributes.text("units").map(str::to_owned)
        };
        let units = match definition.expression.in_units_of() {
            _ if name == "sigma0_db" && !is_user => Some("dB".to_owned()),
            // `--let ssha=gaussian(ssha, 20)` means the variable.
            Some(own) if own == name => units_of(own),
            Some(own) => units_of(own).or_else(|| {
                self.describe(group, own)?
                    .attributes
                    .text("units")
                    .map(str::to_owned)
            }),
            // A sum of heights is a height; what users write may be anything.
            None if !is_user => inputs.first().and_then(|input| units_of(input)),
            None => None,
        };
        if let Some(units) = units {
            attributes.set("units", units);
        }
        if name == "ssha" && definition.expression.text().contains("mean_sea_surface_cnescls") {
            let lacks = "height above the mean sea surface only: this product has no corrections for tides and cross-over";
            attributes.set("comment", format!("{formula}; {lacks}"));
        } else {
            attributes.set("comment", formula);
        }
        attributes.set("coordinates", "longitude latitude");
        Some(derived_meta(name, attributes))
    }

    fn describe_quantity(&self, group: &GroupMeta, quantity: Quantity) -> VariableMeta {
        let mut attributes = Attributes::new();
        attributes.set("long_name", quantity.long_name());
        if let Some(standard_name) = quantity.standard_name() {
            attributes.set("standard_name", standard_name);
        }
        attributes.set("units", quantity.units());
        let height = self.height(group, quantity.height()).unwrap_or_default();
        let height = match self.lets.iter().find(|own| own.name == height) {
            Some(own) => format!("{height} = {}", own.expression.text().trim()),
            None => height,
        };
        attributes.set(
            "comment",
            format!("derived from {height}, method {}", self.method),
        );
        attributes.set("coordinates", "longitude latitude");
        derived_meta(quantity.name(), attributes)
    }
}

fn derived_meta(name: &str, attributes: Attributes) -> VariableMeta {
    VariableMeta {
        name: name.to_owned(),
        dtype: DType::Float64,
        dimensions: Vec::new(),
        attributes,
        storage: Storage::default(),
    }
}

fn names_of(group: &GroupMeta) -> impl Iterator<Item = &str> {
    group.variables.iter().map(|variable| variable.name.as_str())
}

fn has(group: &GroupMeta, name: &str) -> bool {
    names_of(group).any(|known| known == name)
}

/// `left/u_geo` without its group.
fn unqualified(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

/// Every quantity that can be derived from a group of variables, with its metadata: those that one pixel gives, then
/// those of the swath, in the order of the catalogue.
pub fn derivable(group: &GroupMeta) -> Vec<VariableMeta> {
    let formulas = Formulas::default();
    let simple = built_in(group).into_iter().map(|definition| definition.name);
    let names = simple.chain(Quantity::ALL.iter().map(|quantity| quantity.name().to_owned()));
    names.filter_map(|name| formulas.describe(group, &name)).collect()
}
