//! The field that is searched: which variable, its values of the whole pass, and which pixels the selection keeps.

use karin_core::{Nadir, Progress, Selection};
use karin_engine::swath::Shape;
use karin_engine::{Column, EngineError, Plan};

use super::Search;
use crate::Error;
use crate::plot::of_its_schema;

/// Plans for one variable.
pub(super) struct Field {
    /// Its name.
    pub(super) name: String,
    /// Without region, time and conditions: values of whole passes.
    pub(super) whole: Plan,
    /// As selected.
    pub(super) kept: Plan,
    /// Some pixels may not be kept.
    pub(super) is_cropped: bool,
    /// Units of the variable.
    pub(super) units: String,
}

impl Field {
    pub(super) fn new(of: &Plan, search: &Search, progress: &dyn Progress) -> Result<Self, Error> {
        let mut selection = of_its_schema(of);
        if selection.nadir == Nadir::Keep {
            selection.nadir = Nadir::Drop;
        }
        let kept = plan(of, &selection, &names(&selection, search)?, progress)?;
        let is_cropped = selection.region.is_some() || selection.time.is_some() || selection.where_.is_some();
        let mut open = kept.selection().clone();
        (open.region, open.time, open.where_) = (None, None, None);
        let whole = if is_cropped {
            plan(of, &open, &open.variables, progress)?
        } else {
            kept.clone()
        };
        let column = whole
            .columns()
            .iter()
            .find(|column| column.shape == Shape::Pixels);
        let column = column.ok_or_else(|| {
            EngineError::Empty(format!(
                "{} has no value per pixel",
                kept.selection().variables.join(", ")
            ))
        })?;
        let units = column.meta.attributes.text("units").unwrap_or_default().trim();
        Ok(Self {
            name: column.name.clone(),
            units: units.to_owned(),
            whole,
            kept,
            is_cropped,
        })
    }

    /// The variable in every group that has it.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        let is_own = |column: &&Column| column.name == self.name && column.shape == Shape::Pixels;
        self.whole.columns().iter().filter(is_own)
    }

    /// The same variable as the selection keeps it.
    pub(super) fn masked(&self, column: &Column) -> Option<&Column> {
        self.kept.columns().iter().find(|own| own.path() == column.path())
    }
}

/// Names of the variable, the first that there is.
fn names(selection: &Selection, search: &Search) -> Result<Vec<String>, Error> {
    let named = match search {
        Search::Eddies(_) if !selection.variables.is_empty() => {
            let reason = "eddies are found in the height that --from names: leave --vars away";
            return Err(Error::option("--vars", reason));
        }
        Search::Fronts(_) if selection.variables.len() > 1 => {
            let found = selection.variables.join(", ");
            let reason = format!("fronts are those of one variable, found {found}");
            return Err(Error::option("--vars", reason));
        }
        _ => selection.variables.first().or(selection.from.as_ref()),
    };
    Ok(named.map_or_else(
        || vec!["ssha_filtered".to_owned(), "ssha".to_owned()],
        |name| vec![name.clone()],
    ))
}

/// The plan for the first of these variables that there is.
fn plan(of: &Plan, selection: &Selection, names: &[String], progress: &dyn Progress) -> Result<Plan, Error> {
    let mut unknown = None;
    for name in names {
        let own = Selection {
            variables: vec![name.clone()],
            ..selection.clone()
        };
        match Plan::new(of.source().clone(), &own, progress) {
            Ok(mut plans) => {
                if let Some(plan) = plans.pop() {
                    return Ok(plan);
                }
            }
            Err(error @ EngineError::NoVariable { .. }) => unknown = unknown.or(Some(error)),
            Err(other) => return Err(other.into()),
        }
    }
    Err(unknown
        .unwrap_or_else(|| EngineError::Empty("no granule".to_owned()))
        .into())
}
