//! Two variables against each other inside an area.

use karin::engine::Piece;
use serde_json::json;

use super::area::{half_orbit, per_granule, values};
use super::common::{num, plan, selection};
use super::statistics::bins;
use crate::http::container::Container;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::view::View;

/// What a scatter takes beside values and area.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new("var2", Kind::Text, "variable of the other axis").required(),
    Parameter::new("bins", Kind::Integer, "bins of either axis [128]"),
    Parameter::new("max", Kind::Integer, "points of the sample [5000]"),
];

/// x, y, line and pixel.
type Pair = (f32, f32, i32, i32);

/// Pairs of one granule.
#[derive(Default)]
struct Pairs(Vec<Pair>);

/// `scatter`.
pub fn scatter(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let bins = bins(ask, 128)?;
    let most = ask.params.integer("max").unwrap_or(5000).min(100_000);
    let views = [
        ask.viewer.view(&ask.params)?,
        ask.viewer.view_of(&ask.params, ask.params.require("var2")?)?,
    ];
    let [x_view, y_view] = &views;
    let group = ask.viewer.archive().group(&x_view.group)?;
    let is_same = x_view.name == y_view.name;
    let names = if is_same {
        vec![x_view.name.as_str()]
    } else {
        vec![x_view.name.as_str(), y_view.name.as_str()]
    };
    let selection = selection(group, &ask.params, &names)?;
    let plan = plan(ask, group, &selection)?;
    let found = per_granule(ask, &plan, |pairs: &mut Pairs, pass| {
        let width = pass.swath.num_pixels;
        let mut others = vec![f64::NAN; pass.lines.len() * width];
        for (line, pixel, value) in values(pass, usize::from(!is_same)) {
            if let Some(other) = others.get_mut(line * width + pixel) {
                *other = value;
            }
        }
        for (line, pixel, x) in values(pass, 0) {
            let y = others.get(line * width + pixel).copied().unwrap_or(f64::NAN);
            if y.is_finite() {
                let line = pass.lines.get(line).copied().unwrap_or_default();
                pairs.0.push((x as f32, y as f32, line as i32, pixel as i32));
            }
        }
    })?;
    Ok(Reply::Arrays(picture(&views, &found, bins, most)))
}

fn picture(views: &[std::sync::Arc<View>; 2], found: &[(Piece, Pairs)], bins: usize, most: usize) -> Vec<u8> {
    let pairs = || {
        found
            .iter()
            .flat_map(|(piece, pairs)| pairs.0.iter().map(move |pair| (piece, pair)))
    };
    let count = found.iter().map(|(_, pairs)| pairs.0.len()).sum::<usize>();
    let bounds = |of: fn(&Pair) -> f32| {
        let fold = |(least, most): (f64, f64), value: f64| (least.min(value), most.max(value));
        let (low, high) = pairs()
            .map(|(_, pair)| f64::from(of(pair)))
            .fold((f64::INFINITY, f64::NEG_INFINITY), fold);
        match low <= high {
            true if low < high => (low, high),
            true => (low - 0.5, low + 0.5),
            false => (0.0, 1.0),
        }
    };
    let (x, y) = (bounds(|pair| pair.0), bounds(|pair| pair.1));
    let mut density = vec![0_u32; bins * bins];
    let bin = |value: f32, (low, high): (f64, f64)| {
        (((f64::from(value) - low) / (high - low) * bins as f64) as usize).min(bins - 1)
    };
    let mut sums = [0.0_f64; 5];
    // About the middle of the ranges, so that sums of squares lose nothing.
    let (x0, y0) = ((x.0 + x.1) / 2.0, (y.0 + y.1) / 2.0);
    for (_, pair) in pairs() {
        if let Some(cell) = density.get_mut(bin(pair.1, y) * bins + bin(pair.0, x)) {
            *cell += 1;
        }
        let (dx, dy) = (f64::from(pair.0) - x0, f64::from(pair.1) - y0);
        for (sum, part) in sums.iter_mut().zip([dx, dy, dx * dx, dy * dy, dx * dy]) {
            *sum += part;
        }
    }
    let number = count as f64;
    let [sx, sy, sxx, syy, sxy] = sums;
    let (vxx, vyy, vxy) = (
        sxx - sx * sx / number,
        syy - sy * sy / number,
        sxy - sx * sy / number,
    );
    let slope = vxy / vxx;
    let step = count.div_ceil(most.max(1)).max(1);
    let sample: Vec<_> = pairs().step_by(step).collect();
    let edges = |(low, high): (f64, f64)| {
        (0..=bins)
            .map(|bin| low + (high - low) * bin as f64 / bins as f64)
            .collect::<Vec<f64>>()
    };
    let axis = |view: &View, (low, high): (f64, f64)| json!({"name": view.name, "units": view.units, "min": num(low), "max": num(high)});
    let [x_view, y_view] = views;
    let header = json!({
        "x": axis(x_view, x),
        "y": axis(y_view, y),
        "count": count,
        "correlation": num(vxy / (vxx * vyy).sqrt()),
        "slope": num(slope),
        "intercept": num(sy / number + y0 - slope * (sx / number + x0)),
    });
    let floats = |of: fn(&Pair) -> f32| sample.iter().map(|(_, pair)| of(pair)).collect::<Vec<f32>>();
    let integers = |of: &dyn Fn(&Piece, &Pair) -> i32| {
        sample
            .iter()
            .map(|(piece, pair)| of(piece, pair))
            .collect::<Vec<i32>>()
    };
    let length = [sample.len()];
    Container::new(header)
        .with("density", &[bins, bins], &density)
        .with("x_edges", &[bins + 1], &edges(x))
        .with("y_edges", &[bins + 1], &edges(y))
        .with("x", &length, &floats(|pair| pair.0))
        .with("y", &length, &floats(|pair| pair.1))
        .with(
            "cycle",
            &length,
            &integers(&|piece, _| i32::from(half_orbit(piece).cycle.0)),
        )
        .with(
            "pass",
            &length,
            &integers(&|piece, _| i32::from(half_orbit(piece).pass.0)),
        )
        .with("line", &length, &integers(&|_, pair| pair.2))
        .with("pixel", &length, &integers(&|_, pair| pair.3))
        .finish()
}
