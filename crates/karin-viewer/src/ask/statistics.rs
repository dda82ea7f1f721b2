//! Statistics of an area: numbers and histograms.

use std::collections::{BTreeMap, BTreeSet};

use karin::engine::{Engine, Piece, Plan};
use serde_json::{Value, json};

use super::area::{half_orbit, per_granule, values};
use super::common::{instant, num, nums, plan, selection};
use super::reproduce::cli;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::view::{View, number};

/// What a histogram takes beside values and area.
pub const HISTOGRAM: &[Parameter] = &[
    Parameter::new("bins", Kind::Integer, "bins [100]"),
    Parameter::new("range", Kind::Text, "from,to [where 99.8 % of the values lie]"),
    super::common::CYCLE_B,
];
/// Most values of which quantiles are told; what is more is sampled evenly.
const MOST_SORTED: usize = 8 << 20;

/// Numbers of one granule.
#[derive(Default)]
struct Gathered {
    values: Vec<f32>,
    pixels: u64,
    time: Option<(f64, f64)>,
}

/// All values of the view inside the area, less those of `cycle_b`.
struct Sample {
    view: std::sync::Arc<View>,
    plan: Plan,
    granules: Vec<(Piece, Gathered)>,
}

fn gather(ask: &Ask<'_>) -> Result<Sample, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    let group = ask.viewer.archive().group(&view.group)?;
    let selection = selection(group, &ask.params, &[&view.name])?;
    let plan = plan(ask, group, &selection)?;
    let other = ask.params.integer("cycle_b").map(number);
    if other.is_some() && view.is_flag() {
        return Err(Problem::invalid("cycle_b: flags have no difference"));
    }
    // The other cycle is read whole lines at a time, beside the lines that are inside.
    let engine = Engine::new(&view.plan, ask.viewer.archive().resources(), ask.progress())?;
    let granules = per_granule(ask, &plan, |gathered: &mut Gathered, pass| {
        gathered.pixels += pass
            .lines
            .iter()
            .enumerate()
            .map(|(line, _)| {
                (0..pass.swath.num_pixels)
                    .filter(|pixel| pass.keeps(line, *pixel))
                    .count() as u64
            })
            .sum::<u64>();
        let times = pass.time.iter().copied().filter(|time| time.is_finite());
        gathered.time = times.fold(gathered.time, |known, time| {
            Some(known.map_or((time, time), |(a, b)| (a.min(time), b.max(time))))
        });
        let Some(other) = other else {
            gathered
                .values
                .extend(values(pass, 0).map(|(_, _, value)| value as f32));
            return;
        };
        let Some(pass_number) = pass.entry.half_orbit.map(|half_orbit| half_orbit.pass.0) else {
            return;
        };
        let (Some(first), Some(last)) = (pass.lines.first(), pass.lines.last()) else {
            return;
        };
        let others = view
            .piece(other, pass_number)
            .and_then(|piece| view.real(&engine, &piece, *first..last + 1));
        let Ok(others) = others else { return };
        for (line, pixel, value) in values(pass, 0) {
            let row = pass.lines.get(line).map_or(0, |own| own - first);
            let other = others
                .get(row * view.width() + pixel.min(view.width() - 1))
                .copied()
                .unwrap_or(f64::NAN);
            if other.is_finite() {
                gathered.values.push((value - other) as f32);
            }
        }
    })?;
    Ok(Sample { view, plan, granules })
}

/// Number, mean, standard deviation and extremes.
#[derive(Clone, Copy)]
struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    least: f64,
    greatest: f64,
}

impl Moments {
    fn of<'a>(values: impl Iterator<Item = &'a f32>) -> Self {
        let start = Self {
            count: 0,
            mean: 0.0,
            squares: 0.0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        };
        values.fold(start, |mut total, value| {
            let value = f64::from(*value);
            total.count += 1;
            let delta = value - total.mean;
            total.mean += delta / total.count as f64;
            total.squares += delta * (value - total.mean);
            total.least = total.least.min(value);
            total.greatest = total.greatest.max(value);
            total
        })
    }

    fn describe(&self) -> serde_json::Map<String, Value> {
        let some = |value: f64| if self.count > 0 { num(value) } else { Value::Null };
        let mut fields = serde_json::Map::new();
        fields.insert("count".to_owned(), self.count.into());
        for (name, value) in [
            ("mean", self.mean),
            ("std", (self.squares / self.count.max(1) as f64).sqrt()),
            ("min", self.least),
            ("max", self.greatest),
        ] {
            fields.insert(name.to_owned(), some(value));
        }
        fields
    }
}

impl Sample {
    fn values(&self) -> impl Iterator<Item = &f32> {
        self.granules.iter().flat_map(|(_, gathered)| &gathered.values)
    }

    /// Sorted values; of very many, evenly chosen ones.
    fn sorted(&self) -> Vec<f32> {
        let count: usize = self
            .granules
            .iter()
            .map(|(_, gathered)| gathered.values.len())
            .sum();
        let mut sorted: Vec<f32> = self
            .values()
            .step_by(count.div_ceil(MOST_SORTED).max(1))
            .copied()
            .collect();
        sorted.sort_unstable_by(f32::total_cmp);
        sorted
    }

    fn pixels(&self) -> u64 {
        self.granules.iter().map(|(_, gathered)| gathered.pixels).sum()
    }
}

fn quantile(sorted: &[f32], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted
        .get((part * last as f64).round() as usize)
        .map(|value| f64::from(*value))
}

/// `stats`.
pub fn stats(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let sample = gather(ask)?;
    let mut fields = Moments::of(sample.values()).describe();
    let sorted = sample.sorted();
    let part = |part: f64| quantile(&sorted, part).map_or(Value::Null, num);
    let seen = || sample.granules.iter().filter(|(_, gathered)| gathered.pixels > 0);
    let passes: BTreeSet<u16> = seen().map(|(piece, _)| half_orbit(piece).pass.0).collect();
    let mut by_cycle: BTreeMap<u16, Vec<&Gathered>> = BTreeMap::new();
    for (piece, gathered) in seen() {
        by_cycle
            .entry(half_orbit(piece).cycle.0)
            .or_default()
            .push(gathered);
    }
    let times = || sample.granules.iter().filter_map(|(_, gathered)| gathered.time);
    let start = times().map(|time| time.0).fold(f64::INFINITY, f64::min);
    let end = times().map(|time| time.1).fold(f64::NEG_INFINITY, f64::max);
    let cycles: Vec<u16> = by_cycle.keys().copied().collect();
    let rows: Vec<Value> = by_cycle
        .iter()
        .map(|(cycle, granules)| {
            let mut fields = Moments::of(granules.iter().flat_map(|gathered| &gathered.values)).describe();
            fields.insert("cycle".to_owned(), (*cycle).into());
            Value::Object(fields)
        })
        .collect();
    let missing = sample.pixels().saturating_sub(sample.values().count() as u64);
    let more = json!({
        "var": sample.view.name,
        "units": sample.view.units,
        "missing": missing,
        "median": part(0.5),
        "quantiles": {"0.05": part(0.05), "0.25": part(0.25), "0.75": part(0.75), "0.95": part(0.95)},
        "granules": seen().count(),
        "passes": passes,
        "cycles": cycles,
        "time": [instant(start), instant(end)],
        "by_cycle": rows,
        "command": cli(ask, "stat", sample.plan.selection(), "--over all --stats count,mean,std,min,max,median"),
    });
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    Ok(Reply::Json(Value::Object(fields)))
}

/// `histogram`.
pub fn histogram(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let bins = bins(ask, 100)?;
    let sample = gather(ask)?;
    let sorted = sample.sorted();
    let given = ask.params.text("range").map(two_numbers).transpose()?;
    let (low, high) = match given {
        Some(range) => range,
        None => (
            quantile(&sorted, 0.001).unwrap_or(0.0),
            quantile(&sorted, 0.999).unwrap_or(1.0),
        ),
    };
    let high = if high > low {
        high
    } else {
        low + low.abs().max(1.0) * 1e-3
    };
    let width = (high - low) / bins as f64;
    let mut counts = vec![0_u64; bins];
    let (mut below, mut above) = (0_u64, 0_u64);
    for value in sample.values() {
        let bin = ((f64::from(*value) - low) / width).floor();
        match () {
            () if bin < 0.0 => below += 1,
            // The last edge belongs to the last bin.
            () if f64::from(*value) > high => above += 1,
            () => {
                if let Some(count) = counts.get_mut((bin as usize).min(bins - 1)) {
                    *count += 1;
                }
            }
        }
    }
    let mut fields = Moments::of(sample.values()).describe();
    let more = json!({
        "var": sample.view.name,
        "units": sample.view.units,
        "edges": nums((0..=bins).map(|bin| low + width * bin as f64)),
        "counts": counts,
        "below": below,
        "above": above,
        "missing": sample.pixels().saturating_sub(sample.values().count() as u64),
    });
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    Ok(Reply::Json(Value::Object(fields)))
}

/// The number of bins that is asked for.
pub fn bins(ask: &Ask<'_>, usual: usize) -> Result<usize, Problem> {
    let bins = ask.params.integer("bins").unwrap_or(usual);
    match (1..=1024).contains(&bins) {
        true => Ok(bins),
        false => Err(Problem::invalid("bins: expected 1 to 1024")),
    }
}

fn two_numbers(text: &str) -> Result<(f64, f64), Problem> {
    let numbers = text
        .split_once(',')
        .and_then(|(low, high)| Some((low.trim().parse::<f64>().ok()?, high.trim().parse::<f64>().ok()?)));
    let is_range = |(low, high): &(f64, f64)| low.is_finite() && high.is_finite() && low < high;
    numbers
        .filter(is_range)
        .ok_or_else(|| Problem::invalid("range: expected two numbers, the smaller one first, as -0.3,0.3"))
}
