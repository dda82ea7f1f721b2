//! What a map tells of where its values come from.

use std::collections::BTreeSet;

use karin_core::QualityLevel;
use karin_core::time::Day;
use karin_engine::{Entry, Plan, Source};

use crate::plot::subtitle;

/// What the subtitle and the caller are told.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) granules: usize,
    pub(super) unread: Vec<(String, String)>,
    /// The entry of the plan that was counted last.
    pub(super) last_seen: Option<usize>,
    pub(super) cycles: Vec<u16>,
    pub(super) passes: Vec<u16>,
    pub(super) time: Option<(f64, f64)>,
    /// Labels of granules on the map, and the versions and DOIs among them.
    pub(super) labels: Vec<String>,
    pub(super) versions: BTreeSet<String>,
    pub(super) dois: BTreeSet<String>,
}

impl Facts {
    pub(super) fn add_time(&mut self, (first, last): (f64, f64)) {
        if first <= last {
            let (low, high) = self.time.unwrap_or((first, last));
            self.time = Some((low.min(first), high.max(last)));
        }
    }

    /// Remembers where what is drawn comes from.
    pub(super) fn add_source(&mut self, entry: &Entry, doi: Option<String>) {
        self.granules += 1;
        self.cycles
            .extend(entry.half_orbit.map(|half_orbit| half_orbit.cycle.0));
        self.passes
            .extend(entry.half_orbit.map(|half_orbit| half_orbit.pass.0));
        self.labels.push(entry.label.clone());
        self.versions
            .extend(entry.version.as_ref().map(ToString::to_string));
        self.dois.extend(doi);
    }

    /// Notes of the PNG: snapshot, granules, versions and DOI.
    pub(super) fn notes(&self, source: &dyn Source) -> Vec<(String, String)> {
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        let notes = [
            ("Snapshot", source.snapshot().unwrap_or_default().to_owned()),
            ("Granules", self.labels.join("\n")),
            ("Versions", join(&self.versions)),
            ("DOI", join(&self.dois)),
        ];
        notes
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), text))
            .collect()
    }

    /// Product, cycles, passes, days and quality.
    pub(super) fn subtitle(&self, plan: &Plan) -> String {
        let days = self
            .time
            .and_then(|(first, last)| Some((Day::of(first)?, Day::of(last)?)));
        let days = days.map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        });
        let quality = plan.selection().quality;
        let parts = [
            plan.product().map(|product| product.to_string()),
            subtitle::numbers("cycle", "cycles", self.cycles.iter().copied()),
            subtitle::numbers("pass", "passes", self.passes.iter().copied()),
            days,
            (quality != QualityLevel::Any).then(|| format!("quality: {quality}")),
        ];
        subtitle::of(parts)
    }
}
