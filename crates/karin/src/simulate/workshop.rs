//! Makes granules one by one, and keeps what they share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use karin_core::granule_structure::GranuleStructure;
use karin_core::orbit::{FixedGrid, Lines, SwathSide};
use karin_core::{GranuleName, HalfOrbit, Orbit, PassNumber};

use super::attributes::{self, Facts};
use super::formula;
use super::geometry::Geometry;
use super::granule::SimulatedGranule;
use super::scene::{Scene, Surface};
use super::world::World;
use super::{SimulateError, Simulation};

/// Passes whose geometry is kept.
const KEPT: usize = 4;

type Shared = Arc<OnceLock<Arc<Geometry>>>;

/// Makes the granules of a simulation, from any thread.
#[derive(Debug)]
pub struct Workshop {
    simulation: Simulation,
    structure: GranuleStructure,
    world: World,
    geometries: Mutex<VecDeque<(PassNumber, Shared)>>,
}

impl Workshop {
    /// For that simulation.
    ///
    /// # Errors
    /// If its product or variables do not exist.
    pub fn new(simulation: &Simulation) -> Result<Self, SimulateError> {
        Ok(Self {
            structure: simulation.structure()?,
            world: World::new(simulation.seed),
            simulation: simulation.clone(),
            geometries: Mutex::default(),
        })
    }

    /// One granule. It need not be one of those that the simulation lists.
    pub fn granule(&self, half_orbit: HalfOrbit) -> SimulatedGranule {
        let scene = Scene::new(&self.world, self.geometry(half_orbit.pass), half_orbit);
        let product = self.simulation.product;
        let mut structure = self.structure.clone();
        let fine_lines = (!product.has_fixed_grid()).then(|| self.fine_lines(half_orbit));
        let nadir_lines = match product.is_level3_ssh() && fine_lines.is_none() {
            true => nadir_lines(&scene),
            false => Vec::new(),
        };
        if let Some(lines) = fine_lines {
            structure = structure.with_dimension("num_lines", lines.count);
        }
        structure = structure.with_dimension("num_nadir", nadir_lines.len());
        let period = period(&scene);
        let version = self.simulation.version.clone();
        // Names of real granules leave fractions of seconds off.
        let (start, end) = (period.0.floor(), period.1.floor());
        let name = GranuleName {
            product,
            half_orbit,
            start,
            end,
            version,
            variant: String::new(),
        };
        let (good_percent, variance) = statistics(&scene);
        let facts = Facts {
            scene: &scene,
            name: &name,
            period,
            seed: self.simulation.seed,
            good_percent,
            variance,
        };
        let mut root = structure.root;
        attributes::fill(&mut root.attributes, &structure.varying_attributes, &facts);
        SimulatedGranule {
            label: name.file_name(),
            name,
            root,
            scene,
            nadir_lines,
            fine_lines,
        }
    }

    /// The lines of a 250 m granule: their number differs a little from one to the next.
    fn fine_lines(&self, half_orbit: HalfOrbit) -> Lines {
        let usual = self
            .structure
            .root
            .dimension_from(self.swath_group(), "num_lines")
            .unwrap_or(SwathSide::LINES);
        let stream = self.world.stream.named("lines").of(u64::from(half_orbit.cycle.0));
        let count = usual - (stream.bits(u64::from(half_orbit.pass.0)) % 64) as usize;
        SwathSide::lines(Orbit::of(self.simulation.phase).length_m(half_orbit.pass), count)
    }

    fn swath_group(&self) -> &str {
        self.structure.swath_groups.first().map_or("", String::as_str)
    }

    /// The geometry of a pass: made once, by whoever needs it first, and kept for a while.
    fn geometry(&self, pass: PassNumber) -> Arc<Geometry> {
        let shared = {
            let mut kept = self.geometries.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept
                .iter()
                .find(|(number, _)| *number == pass)
                .map(|(_, shared)| Arc::clone(shared));
            found.unwrap_or_else(|| {
                let shared = Shared::default();
                kept.push_back((pass, Arc::clone(&shared)));
                if kept.len() > KEPT {
                    kept.pop_front();
                }
                shared
            })
        };
        let grid = if self.simulation.product.is_level3_ssh() {
            FixedGrid::L3
        } else {
            FixedGrid::L2
        };
        let make = || Arc::new(Geometry::new(&self.world, self.simulation.phase, pass, grid));
        Arc::clone(shared.get_or_init(make))
    }
}

/// Lines at which the nadir altimeter has a value: about one a second, over the open sea.
fn nadir_lines(scene: &Scene) -> Vec<usize> {
    let stream = scene.stream.named("nadir");
    let mut lines = Vec::new();
    let mut line = 1.0;
    while (line as usize) < scene.times.len() {
        let number = line as usize;
        let spot = scene.pixel(number, FixedGrid::NADIR);
        let is_sea = scene.surface(&spot) == Surface::Ocean && scene.ice_percent(&spot) < 15.0;
        if is_sea && !scene.is_missing(&spot) && stream.uniform(number as u64) > 0.05 {
            lines.push(number);
        }
        line += 3.2;
    }
    lines
}

/// Times of the first and last line with data; of all lines if none has any.
fn period(scene: &Scene) -> (f64, f64) {
    let present = || {
        scene
            .times
            .iter()
            .zip(&scene.is_missing)
            .filter(|(_, missing)| !**missing)
            .map(|(time, _)| *time)
    };
    let ends = present().next().zip(present().next_back());
    let all = || scene.times.first().copied().zip(scene.times.last().copied());
    ends.or_else(all).unwrap_or((0.0, 0.0))
}

/// Per cent of good pixels among those measured at sea, and the variance of the sea level.
fn statistics(scene: &Scene) -> (f64, f64) {
    let (mut sea, mut good, mut sum, mut squares) = (0.0, 0.0, 0.0, 0.0);
    for line in (0..scene.times.len()).step_by(16) {
        for pixel in 0..FixedGrid::PIXELS {
            let spot = scene.pixel(line, pixel);
            if scene.is_measured(&spot) && scene.coast_km(&spot) > 0.0 {
                let height = f64::from(scene.sea_level(&spot));
                sea += 1.0;
                good += f64::from(u8::from(scene.bits(&spot, !formula::RADIOMETER_BIT) == 0));
                sum += height;
                squares += height * height;
            }
        }
    }
    let count = f64::max(sea, 1.0);
    (100.0 * good / count, squares / count - (sum / count).powi(2))
}
