//! What an extract says of itself: command, snapshot or granules, product, versions.

use karin_core::time::format_instant;
use karin_core::{AttrValue, Attributes};
use karin_engine::{Piece, Plan};

use super::ExtractOptions;
use crate::joined;

/// Attributes are at most 64 kB in a netCDF file.
const LONGEST: usize = 60_000;

/// Adds a line to `history`.
pub(super) fn add_history(attributes: &mut Attributes, options: &ExtractOptions) {
    let unix = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    // 2000-01-01 is 946,684,800 s after 1970-01-01.
    let now = format_instant((unix.as_secs_f64() - 946_684_800.0).floor());
    let line = format!("{now}: {}", options.command);
    let history = match attributes.text("history") {
        Some(earlier) if !earlier.is_empty() => format!("{}\n{line}", earlier.trim_end()),
        _ => line,
    };
    attributes.set("history", history);
}

/// Says what an extract was made of.
pub(super) fn describe(attributes: &mut Attributes, plan: &Plan, pieces: &[Piece], options: &ExtractOptions) {
    add_history(attributes, options);
    attributes.set("karin_selection", plan.selection().to_string());
    joined::describe_sources(attributes, plan, pieces);
    let entries = pieces.iter().filter_map(|piece| plan.entry(piece));
    let names: Vec<&str> = entries.map(|entry| entry.label.as_str()).collect();
    let all = names.join(" ");
    attributes.set(
        "source_granules",
        match (names.first(), names.last()) {
            (Some(first), Some(last)) if all.len() > LONGEST => {
                format!("{} granules from {first} to {last}", names.len())
            }
            _ => all,
        },
    );
    attributes.set("source_granule_count", AttrValue::number(names.len() as i32));
}
