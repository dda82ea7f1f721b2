//! Expressions of a selection and the derived quantities that every surface names alike.

use karin_core::{Attributes, DType, GroupMeta, Selection, Storage, VariableMeta};

use crate::EngineError;
use crate::expression::{Expression, ExpressionError, Let, Program};

/// The parsed expressions of a selection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Formulas {
    lets: Vec<Let>,
    condition: Option<Expression>,
}

impl Formulas {
    /// Parses `--let` and `--where`.
    ///
    /// # Errors
    /// If one is faulty.
    pub fn new(selection: &Selection) -> Result<Self, EngineError> {
        let lets = selection
            .lets
            .iter()
            .map(|(name, text)| Let::new(name, Expression::parse(text)?));
        let lets = lets.collect::<Result<Vec<_>, ExpressionError>>()?;
        let condition = selection.where_.as_deref().map(Expression::parse).transpose()?;
        Ok(Self { lets, condition })
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
        let stored: Vec<&str> = group
            .variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        let mut known = stored.clone();
        known.extend(definitions.iter().map(|definition| definition.name.as_str()));
        expression.check_names(&known)?;
        for definition in &definitions {
            if program
                .inputs()
                .iter()
                .any(|input| definition.expression.names().contains(&input.as_str()))
            {
                definition.expression.check_names(&known)?;
            }
        }
        Ok(program)
    }

    /// The stored variables that a derived one is made of; `None` if the group lacks some.
    pub fn inputs_of(&self, group: &GroupMeta, name: &str) -> Option<Vec<String>> {
        let is_derived = self
            .definitions(group)
            .iter()
            .any(|definition| definition.name == name);
        let program = is_derived.then(|| self.program(group, name).ok())??;
        let stored = |input: &String| group.variables.iter().any(|variable| variable.name == *input);
        program
            .inputs()
            .iter()
            .all(stored)
            .then(|| program.inputs().to_vec())
    }

    /// Metadata of a derived variable; `None` if the group lacks what it is made of.
    pub fn describe(&self, group: &GroupMeta, name: &str) -> Option<VariableMeta> {
        let inputs = self.inputs_of(group, name)?;
        let definitions = self.definitions(group);
        let definition = definitions.iter().find(|definition| definition.name == name)?;
        let mut attributes = Attributes::new();
        attributes.set(
            "long_name",
            format!("{name} = {}", definition.expression.text().trim()),
        );
        let is_user = self.lets.iter().any(|own| own.name == name);
        let first = inputs
            .first()
            .and_then(|input| group.variables.iter().find(|variable| variable.name == *input));
        let units = first.and_then(|variable| variable.attributes.text("units"));
        match units {
            // A sum of heights is a height; what users write may be anything.
            Some(units) if !is_user => attributes.set("units", units),
            _ => {}
        }
        if name == "ssha" && definition.expression.text().contains("mean_sea_surface_cnescls") {
            attributes.set(
                "comment",
                "height above the mean sea surface only: this product has no corrections for tides and cross-over",
            );
        }
        attributes.set("coordinates", "longitude latitude");
        Some(VariableMeta {
            name: name.to_owned(),
            dtype: DType::Float64,
            dimensions: Vec::new(),
            attributes,
            storage: Storage::default(),
        })
    }
}

/// The derived quantities that a group of variables allows, each only where the product does not have it itself:
/// `ssha`, `ssha_filtered` and `adt`.
pub fn built_in(group: &GroupMeta) -> Vec<Let> {
    let has = |name: &str| group.variables.iter().any(|variable| variable.name == name);
    let mut found = Vec::new();
    let mut define = |name: &str, text: &str| {
        if let Ok(definition) = Expression::parse(text).and_then(|expression| Let::new(name, expression)) {
            found.push(definition);
        }
    };
    let mut has_ssha = has("ssha");
    if !has_ssha {
        let text = if has("ssha_karin_2") && has("height_cor_xover") {
            Some("ssha_karin_2 + height_cor_xover")
        } else if has("ssha_unfiltered") {
            Some("ssha_unfiltered")
        } else if has("ssh_karin_2") && has("mean_sea_surface_cnescls") && !has("ssha_karin_2") {
            Some("ssh_karin_2 - mean_sea_surface_cnescls")
        } else {
            None
        };
        if let Some(text) = text {
            define("ssha", text);
            has_ssha = true;
        }
    }
    if !has("ssha_filtered") && has("ssha_noiseless") {
        define("ssha_filtered", "ssha_noiseless");
    }
    if !has("adt") && has("mdt") && has_ssha {
        define("adt", "ssha + mdt");
    }
    found
}
