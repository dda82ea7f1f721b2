//! Features over a map of the field that they were found in.

use karin_core::{Progress, Resources};
use karin_engine::Plan;

use super::field::Field;
use super::{Found, Search};
use crate::Error;
use crate::output::geo::{GeoRow, GeoValue};
use crate::plot::{self, MapOptions, Overlay, OverlayStyle, Picture};

// Seen on red and on blue.
const BLACK: [u8; 3] = [20, 24, 30];
const GREEN: [u8; 3] = [0, 120, 70];

/// Draws what was found.
pub(super) fn of(
    plan: &Plan,
    search: &Search,
    found: &Found,
    history: &str,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Picture, Error> {
    let field = Field::new(plan, search, progress)?;
    let software = concat!("karin ", env!("CARGO_PKG_VERSION"));
    let mut options = MapOptions {
        overlays: overlays(search, found),
        notes: vec![
            ("Software".to_owned(), software.to_owned()),
            ("Command".to_owned(), history.to_owned()),
        ],
        ..MapOptions::default()
    };
    let count = found.rows.len();
    let one_or_many = if count == 1 {
        search.feature()
    } else {
        search.features()
    };
    options.title = format!("{count} {one_or_many} of {}", title_of(&field.name));
    plot::of_plan(&field.kept, options, resources, progress)
}

/// What a variable is called in titles.
fn title_of(name: &str) -> &str {
    match name {
        "ssha" => "sea surface height anomaly",
        "ssha_filtered" | "ssha_noiseless" => "filtered sea surface height anomaly",
        "adt" => "absolute dynamic topography",
        other => other,
    }
}

/// Lines by sense, whole ones and those that are cut.
fn overlays(search: &Search, found: &Found) -> Vec<Overlay> {
    let place = |name: &str| found.schema.columns.iter().position(|column| column.name == name);
    let (sense, partial) = (place("sense"), place("partial"));
    let cell = |row: &GeoRow, place: Option<usize>| place.and_then(|place| row.cells.get(place).cloned());
    let is_cut = |row: &GeoRow| cell(row, partial) == Some(GeoValue::Flag(true));
    let kinds: &[(&str, [u8; 3])] = match search {
        Search::Eddies(_) => &[("anticyclonic", BLACK), ("cyclonic", GREEN)],
        Search::Fronts(_) => &[("", BLACK)],
    };
    let mut overlays = Vec::new();
    for (word, color) in kinds {
        for is_dashed in [false, true] {
            let is_own = |row: &&GeoRow| {
                let is_sense =
                    word.is_empty() || cell(row, sense) == Some(GeoValue::Word((*word).to_owned()));
                is_sense && is_cut(row) == is_dashed
            };
            let lines: Vec<_> = found
                .rows
                .iter()
                .filter(is_own)
                .map(|row| row.geometry.vertices().to_vec())
                .collect();
            let label = match (word.is_empty(), is_dashed) {
                (true, false) => "front".to_owned(),
                (true, true) => "front that reaches an edge".to_owned(),
                (false, false) => (*word).to_owned(),
                (false, true) => format!("{word}, cut by an edge"),
            };
            if !lines.is_empty() {
                overlays.push(Overlay {
                    style: OverlayStyle::new(&label, *color, is_dashed),
                    is_closed: matches!(search, Search::Eddies(_)),
                    lines,
                });
            }
        }
    }
    overlays
}
