//! Columns: those that all features have, then their own.

use karin_core::Attributes;
use karin_engine::{Piece, Plan};

use super::field::Field;
use super::search::Block;
use super::{Search, eddies, fronts};
use crate::joined;
use crate::output::geo::{GeoColumn, GeoKind, GeoSchema, GeoValue};

/// Which granule, and which side of it.
pub(super) struct Origin {
    product: String,
    side: Option<String>,
    cycle: Option<i64>,
    pass: Option<i64>,
}

impl Origin {
    pub(super) fn new(plan: &Plan, piece: &Piece, group: &str) -> Self {
        let number = |of: fn(&karin_core::HalfOrbit) -> u16| piece.half_orbit.as_ref().map(of).map(i64::from);
        Self {
            product: plan
                .product()
                .map(|product| product.name().to_owned())
                .unwrap_or_default(),
            side: (!group.is_empty()).then(|| group.to_owned()),
            cycle: number(|half_orbit| half_orbit.cycle.0),
            pass: number(|half_orbit| half_orbit.pass.0),
        }
    }

    /// The cells that all features begin with; time and line are those of a pixel.
    pub(super) fn cells(&self, block: &Block, index: usize) -> Vec<GeoValue> {
        let mut cells = vec![GeoValue::Word(self.product.clone())];
        cells.extend(self.side.clone().map(GeoValue::Word));
        cells.extend([
            GeoValue::Count(self.cycle),
            GeoValue::Count(self.pass),
            GeoValue::Number(block.time(index)),
            GeoValue::Count(Some(block.line(index) as i64)),
            GeoValue::Count(Some(block.pixel(index) as i64)),
        ]);
        cells
    }
}

/// A column.
pub(super) fn column(name: &'static str, kind: GeoKind, units: &str, long_name: &str) -> GeoColumn {
    GeoColumn {
        name,
        units: units.to_owned(),
        long_name: long_name.to_owned(),
        kind,
    }
}

/// The columns of a search, and what the file says of it.
pub(super) fn of(field: &Field, search: &Search) -> GeoSchema {
    let mut columns = vec![column("product", GeoKind::Word, "", "product")];
    if field.columns().any(|column| !column.group.is_empty()) {
        columns.push(column("side", GeoKind::Word, "", "side of the swath"));
    }
    let place = match search {
        Search::Eddies(_) => "extremum",
        Search::Fronts(_) => "point in the middle",
    };
    columns.extend([
        column("cycle_number", GeoKind::Count, "", "cycle number"),
        column("pass_number", GeoKind::Count, "", "pass number"),
        column(
            "time",
            GeoKind::Time,
            "",
            &format!("time of the line of the {place} (UTC)"),
        ),
        column(
            "line_number",
            GeoKind::Count,
            "",
            &format!("index of the line of the {place} in its granule"),
        ),
        column(
            "pixel_number",
            GeoKind::Count,
            "",
            &format!("index of the pixel of the {place} in its line"),
        ),
    ]);
    let (own, method) = match search {
        Search::Eddies(search) => (eddies::columns(), search.words()),
        Search::Fronts(search) => (fronts::columns(&field.units), search.words(&field.units)),
    };
    columns.extend(own);
    let mut attributes = Attributes::new();
    attributes.set("title", format!("{} of {}", search.features(), field.name));
    attributes.set("variable", field.name.as_str());
    attributes.set("method", method);
    attributes.set("derivatives", field.whole.formulas().method().to_string());
    attributes.set("selection", field.kept.selection().to_string());
    attributes.set("karin_version", env!("CARGO_PKG_VERSION"));
    if let Some(doi) = field
        .whole
        .structure()
        .attributes
        .text("doi")
        .map(str::trim)
        .filter(|doi| !doi.is_empty())
    {
        attributes.set("source_doi", doi);
    }
    joined::describe_sources(&mut attributes, &field.kept, field.kept.pieces());
    GeoSchema {
        feature: search.feature(),
        columns,
        is_polygon: matches!(search, Search::Eddies(_)),
        attributes,
    }
}
