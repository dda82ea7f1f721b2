//! Which variables a selection takes, and how each is accumulated.

use karin_core::{DType, GroupMeta, Packing, Product, Selection, VariableMeta};
use karin_science::{Height, Quantity};

use crate::EngineError;
use crate::derive::Formulas;
use crate::swath::{Shape, Swath, join};

/// One variable of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name within the group, or of the expression.
    pub name: String,
    /// Path of the group; empty for the root.
    pub group: String,
    /// True for `--let` and the derived quantities of the contract.
    pub derived: bool,
    /// True if the user named it.
    pub named: bool,
    /// The packing that all schemas share; `None` if they differ, and for derived variables: values are decoded.
    pub packing: Option<Packing>,
    /// Metadata as in the newest schema; for derived variables an empty one of its name.
    pub meta: VariableMeta,
    /// How it lies on its swath.
    pub shape: Shape,
    /// Lengths of its dimensions in the granule that the plan looked at.
    pub lengths: Vec<usize>,
}

impl Column {
    /// Path of the variable.
    pub fn path(&self) -> String {
        join(&self.group, &self.name)
    }

    /// True for coordinates of pixels, which are carried along rather than reduced.
    pub fn is_position(&self, swath: &Swath) -> bool {
        let path = self.path();
        path == swath.latitude || path == swath.longitude
    }
}

/// Splits `left/ssh_karin_2` into group and name; without a group, any will do.
fn split(name: &str) -> (Option<&str>, &str) {
    name.rsplit_once('/')
        .map_or((None, name), |(group, name)| (Some(group), name))
}

/// Groups that variables are looked for in: those with swaths, else all.
fn groups(root: &GroupMeta, swaths: &[Swath]) -> Vec<String> {
    if !swaths.is_empty() {
        return swaths.iter().map(|swath| swath.group.clone()).collect();
    }
    let mut groups: Vec<String> = Vec::new();
    for path in root.variable_paths() {
        let group = path.rsplit_once('/').map_or("", |(group, _)| group);
        if !groups.iter().any(|known| known == group) {
            groups.push(group.to_owned());
        }
    }
    groups
}

fn has(root: &GroupMeta, groups: &[String], formulas: &Formulas, wanted: &str) -> bool {
    let (group, name) = split(wanted);
    groups
        .iter()
        .filter(|known| group.is_none_or(|group| group == known.as_str()))
        .any(|group| {
            root.variable(&join(group, name)).is_some()
                || root.group(group).is_some_and(|meta| formulas.derives(meta, name))
        })
}

/// True if a granule of that structure has every variable that the selection names.
pub(super) fn holds_all(root: &GroupMeta, selection: &Selection) -> bool {
    let swaths = Swath::of(root, selection.side);
    let groups = groups(root, &swaths);
    let Ok(formulas) = Formulas::new(selection) else {
        return true;
    };
    let is_let = |name: &str| formulas.lets().iter().any(|formula| formula.name == name);
    let named = selection.variables.iter().chain(&selection.also);
    named
        .map(String::as_str)
        .filter(|name| !is_let(name))
        .chain(formulas.variables())
        .all(|name| has(root, &groups, &formulas, name))
}

/// The error for the first name that no structure has.
pub(super) fn unknown<'a>(
    selection: &Selection,
    roots: impl Iterator<Item = &'a GroupMeta> + Clone,
    product: Option<Product>,
) -> EngineError {
    let product = product.map_or_else(|| "the files".to_owned(), |product| product.to_string());
    let formulas = Formulas::new(selection).unwrap_or_default();
    let lets = formulas.lets();
    let named = selection.variables.iter().chain(&selection.also);
    for name in named.map(String::as_str).chain(formulas.variables()) {
        let missing = roots.clone().all(|root| {
            let swaths = Swath::of(root, selection.side);
            !has(root, &groups(root, &swaths), &formulas, name)
        });
        if missing && !lets.iter().any(|formula| formula.name == name) {
            let paths: Vec<String> = roots.clone().flat_map(GroupMeta::variable_paths).collect();
            let derived = ["ssha", "ssha_filtered", "adt"].into_iter().filter(|name| {
                let derives = |root| {
                    has(
                        root,
                        &groups(root, &Swath::of(root, selection.side)),
                        &formulas,
                        name,
                    )
                };
                roots.clone().any(derives)
            });
            let known = paths
                .iter()
                .map(|path| split(path).1)
                .chain(derived)
                .chain(lets.iter().map(|l| l.name.as_str()))
                .chain(Quantity::ALL.iter().map(|quantity| quantity.name()));
            let hint = match lacking(split(name).1, selection.from.as_deref()) {
                Some(inputs) => format!(": it derives from {inputs}, which the granules lack"),
                None => karin_core::suggest::did_you_mean(name, known),
            };
            return EngineError::NoVariable {
                name: name.to_owned(),
                product,
                hint,
            };
        }
    }
    for root in roots {
        let groups = groups(root, &Swath::of(root, selection.side));
        let fault = groups.iter().find_map(|group| formulas.fault(root.group(group)?));
        if let Some(error) = fault {
            return error.into();
        }
    }
    EngineError::Empty("no granule holds all variables asked for".to_owned())
}

/// What a derived quantity of the contract derives from, in words; `None` for other names.
fn lacking(name: &str, from: Option<&str>) -> Option<String> {
    Some(match (name, Quantity::from_name(name).map(Quantity::height)) {
        ("adt", _) | (_, Some(Height::Absolute)) => "ssha and mdt".to_owned(),
        ("ssha", _) => "ssha_karin_2 and height_cor_xover, or ssha_unfiltered".to_owned(),
        ("ssha_filtered", _) => "ssha_noiseless".to_owned(),
        (_, Some(Height::Anomaly)) => from.unwrap_or("ssha_filtered or ssha").to_owned(),
        _ => return None,
    })
}

/// What the columns of a plan are made of.
pub(super) struct Columns<'a> {
    /// Structures of the granules, one per schema, oldest first.
    pub(super) roots: &'a [&'a GroupMeta],
    pub(super) swaths: &'a [Swath],
    pub(super) formulas: &'a Formulas,
    pub(super) selection: &'a Selection,
    pub(super) product: Option<Product>,
}

impl Columns<'_> {
    /// The variables that are asked for: without names all numeric ones, and what is derived from them.
    pub(super) fn wanted(&self) -> Result<Vec<Column>, EngineError> {
        let names = &self.selection.variables;
        if !names.is_empty() {
            return self.named(names);
        }
        let Some(newest) = self.roots.last() else {
            return Ok(Vec::new());
        };
        let mut columns = Vec::new();
        for group in &groups(newest, self.swaths) {
            let variables = newest
                .group(group)
                .map(|meta| meta.variables.as_slice())
                .unwrap_or_default();
            let numeric = variables.iter().filter(|variable| variable.dtype.is_numeric());
            columns.extend(
                numeric.filter_map(|variable| stored(self.roots, self.swaths, group, &variable.name)),
            );
            let lets = self.formulas.lets().iter();
            columns.extend(lets.filter_map(|formula| self.derived(newest, group, &formula.name)));
        }
        Ok(columns)
    }

    /// Those that are read beside them.
    pub(super) fn also(&self) -> Result<Vec<Column>, EngineError> {
        self.named(&self.selection.also)
    }

    /// The columns of some names, in all groups that have them.
    fn named(&self, names: &[String]) -> Result<Vec<Column>, EngineError> {
        let Some(newest) = self.roots.last() else {
            return Ok(Vec::new());
        };
        let groups = groups(newest, self.swaths);
        let mut columns = Vec::new();
        for wanted in names {
            let (only, name) = split(wanted);
            let before = columns.len();
            for group in groups
                .iter()
                .filter(|group| only.is_none_or(|only| only == group.as_str()))
            {
                let is_let = self.formulas.lets().iter().any(|formula| formula.name == name);
                let stored = (!is_let)
                    .then(|| stored(self.roots, self.swaths, group, name))
                    .flatten();
                let column = stored.or_else(|| self.derived(newest, group, name));
                columns.extend(column.map(|column| Column {
                    named: true,
                    ..column
                }));
            }
            if columns.len() == before {
                return Err(unknown(self.selection, self.roots.iter().copied(), self.product));
            }
        }
        Ok(columns)
    }

    fn derived(&self, root: &GroupMeta, group: &str, name: &str) -> Option<Column> {
        let swath = swath_of(self.swaths, group);
        let meta = self.formulas.describe(root.group(group)?, name)?;
        let (shape, lengths) = match swath {
            Some(swath) if swath.num_pixels == 1 => (Shape::Pixels, vec![swath.num_lines]),
            Some(swath) => (Shape::Pixels, vec![swath.num_lines, swath.num_pixels]),
            None => {
                let lengths = root.shape(&join(
                    group,
                    self.formulas.inputs_of(root.group(group)?, name)?.first()?,
                ))?;
                (Shape::Other(lengths.iter().product()), lengths)
            }
        };
        Some(Column {
            name: name.to_owned(),
            group: group.to_owned(),
            derived: true,
            named: false,
            packing: None,
            meta,
            shape,
            lengths,
        })
    }
}

fn swath_of<'a>(swaths: &'a [Swath], group: &str) -> Option<&'a Swath> {
    swaths.iter().find(|swath| swath.group == group)
}

fn stored(roots: &[&GroupMeta], swaths: &[Swath], group: &str, name: &str) -> Option<Column> {
    let newest = roots.last()?;
    let path = join(group, name);
    let meta = newest.variable(&path)?.clone();
    let lengths = newest.shape(&path)?;
    let all = Shape::Other(lengths.iter().product());
    let shape = swath_of(swaths, group)
        .and_then(|swath| swath.shape_of(newest, &path))
        .unwrap_or(all);
    let packing = Packing::of(&meta).filter(|packing| {
        let same = |root: &&GroupMeta| {
            let other = root.variable(&path).and_then(Packing::of);
            other.is_none_or(|other| {
                other.dtype == packing.dtype && other.scale == packing.scale && other.offset == packing.offset
            })
        };
        // 64-bit integers do not fit the integer sums; they are decoded.
        let fits = !matches!(packing.dtype, DType::Int64 | DType::UInt64);
        packing.fill.is_some() && fits && roots.iter().all(same)
    });
    Some(Column {
        name: name.to_owned(),
        group: group.to_owned(),
        derived: false,
        named: false,
        packing,
        meta,
        shape,
        lengths,
    })
}
