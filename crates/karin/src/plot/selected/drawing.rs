//! Drawing the panels of a plan part by part of its granules: what is read of a part is read once for all panels.

use karin_core::{Progress, Resources};
use karin_engine::swath::Swath;
use karin_engine::{Engine, EngineError, Part, Piece, Plan};
use rayon::prelude::*;

use super::panel::{Panel, Positions, SeenLayer};
use crate::Error;

/// Pixels of a granule that are drawn at a time: always the same number, so that the picture depends neither on
/// memory nor on threads.
const PART_PIXELS: usize = 4 << 20;
/// Bytes that a pixel takes while it is read: places as stored, as true values, and as they are kept.
const PLACE_BYTES: u64 = 36;
/// The same of its value of a panel.
const VALUE_BYTES: u64 = 20;

/// A part of a granule, read, and on its way to the maps.
struct Seen {
    /// One per panel; `None` where the panel has nothing of it.
    layers: Vec<Option<SeenLayer>>,
    /// First and last time.
    time: (f64, f64),
    doi: Option<String>,
}

/// The panels of a plan, under way.
pub(super) struct Drawing<'a> {
    pub(super) engine: &'a Engine<'a>,
    pub(super) plan: &'a Plan,
    pub(super) panels: Vec<Panel>,
    pub(super) resources: Resources,
    pub(super) progress: &'a dyn Progress,
    pub(super) pool: rayon::ThreadPool,
    /// The entry of the plan that was noted as unread last.
    pub(super) last_unread: Option<usize>,
}

impl Drawing<'_> {
    /// Adds all granules to all panels.
    pub(super) fn draw(&mut self) -> Result<(), Error> {
        self.read(true)?;
        let panels = std::mem::take(&mut self.panels).into_iter();
        let ended = panels.map(|panel| panel.end_first_time(&self.pool));
        let (panels, again): (Vec<Panel>, Vec<bool>) =
            ended.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        self.panels = panels;
        if again.contains(&true) {
            self.read(false)?;
        }
        Ok(())
    }

    fn pixel_bytes(&self) -> u64 {
        PLACE_BYTES + VALUE_BYTES * self.panels.len() as u64
    }

    /// Reads granules part by part, in parallel, and hands over their layers in order.
    fn read(&mut self, is_first_time: bool) -> Result<(), Error> {
        let plan = self.plan;
        let mut failure = None;
        for pieces in plan.pieces().chunks(2 * self.resources.jobs.max(1)) {
            let engine = self.engine;
            let rows = |swath: &Swath| PART_PIXELS / swath.num_pixels.max(1);
            let parts = |piece: &Piece| (*piece, engine.parts(piece, rows));
            let cut: Vec<_> = self.pool.install(|| pieces.par_iter().map(parts).collect());
            let mut parts = Vec::new();
            for (piece, cut) in cut {
                match cut {
                    Ok(cut) => parts.extend(cut),
                    Err(error) if is_first_time => failure = Some(self.note_unread(&piece, error)),
                    Err(_) => {}
                }
            }
            let most = parts.iter().map(|part| part.lines.len()).max().unwrap_or(1) as u64;
            let width = plan
                .swaths()
                .iter()
                .map(|swath| swath.num_pixels)
                .max()
                .unwrap_or(1) as u64;
            let together = self.resources.memory / 2 / (most * width * self.pixel_bytes()).max(1);
            let together = usize::try_from(together).unwrap_or(usize::MAX);
            for batch in parts.chunks(together.clamp(1, 2 * self.resources.jobs.max(1))) {
                if self.progress.is_cancelled() {
                    return Err(Error::Cancelled);
                }
                let see = |part: &Part| (part.piece, self.see(part));
                let seen: Vec<_> = self.pool.install(|| batch.par_iter().map(see).collect());
                for (piece, seen) in seen {
                    match seen {
                        Ok(Some(seen)) => self.take(&piece, seen, is_first_time)?,
                        Ok(None) => {}
                        Err(error) if is_first_time => failure = Some(self.note_unread(&piece, error)),
                        Err(_) => {}
                    }
                }
                let pool = &self.pool;
                self.panels.iter_mut().try_for_each(|panel| panel.settle(pool))?;
            }
            if is_first_time {
                self.progress.advance(pieces.len() as u64, 0);
            }
        }
        match failure {
            Some(error) if self.panels.iter().all(|panel| panel.facts.granules == 0) => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn note_unread(&mut self, piece: &Piece, error: EngineError) -> EngineError {
        if self.last_unread != Some(piece.entry) {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let reason = format!("{error}{}", cause.unwrap_or_default());
            self.progress.warn(&reason);
            let granule = self.plan.entry(piece).map(|entry| entry.label.clone());
            let unread = (granule.unwrap_or_default(), reason);
            let panels = self.panels.iter_mut();
            panels.for_each(|panel| panel.facts.unread.push(unread.clone()));
            self.last_unread = Some(piece.entry);
        }
        error
    }

    /// Reads a part, and finds out what the panels need to know of it.
    fn see(&self, part: &Part) -> Result<Option<Seen>, EngineError> {
        let Some(pass) = self.engine.select_part(part)? else {
            return Ok(None);
        };
        let attributes = &pass.dataset.root().attributes;
        let doi = attributes.text("doi").or(attributes.text("product_doi"));
        let positions = Positions::of(&pass);
        let layers = self.panels.iter().map(|panel| panel.see(&pass, &positions));
        let times = pass.time.iter().copied().filter(|time| time.is_finite());
        Ok(Some(Seen {
            layers: layers.collect(),
            time: times.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), time| {
                (low.min(time), high.max(time))
            }),
            doi: doi.map(str::to_owned),
        }))
    }

    /// Takes in the next part.
    fn take(&mut self, piece: &Piece, seen: Seen, is_first_time: bool) -> Result<(), Error> {
        let kept_bytes = self.resources.memory / 3 / self.panels.len().max(1) as u64;
        for (panel, layer) in self.panels.iter_mut().zip(seen.layers) {
            let Some(layer) = layer else { continue };
            if is_first_time {
                let facts = &mut panel.facts;
                if layer.has_values && facts.last_seen != Some(piece.entry) {
                    facts.last_seen = Some(piece.entry);
                    if let Some(entry) = self.plan.entry(piece) {
                        facts.add_source(entry, seen.doi.clone());
                    }
                }
                facts.add_time(seen.time);
            }
            panel.take(layer, kept_bytes)?;
        }
        Ok(())
    }
}
