//! What an outline is like: area, the circle that fits it, how far it is from that, how much of it is an edge, mean speed.

use std::f64::consts::PI;

use super::outline::Vertex;

/// Measures of an outline on the plane; lengths in metres.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub area: f64,
    /// Centre of the fitted circle.
    pub centre: (f64, f64),
    pub shape_error: f64,
    pub edge_fraction: f64,
    /// Mean speed along the parts that are no edge.
    pub speed: f64,
}

impl Measure {
    /// Radius of the circle of that area.
    pub(super) fn radius(&self) -> f64 {
        (self.area / PI).sqrt()
    }
}

/// A piece of an outline between two vertices.
#[derive(Clone, Copy)]
struct Piece {
    from: Vertex,
    to: Vertex,
    length: f64,
}

impl Piece {
    fn is_edge(&self) -> bool {
        self.from.is_edge && self.to.is_edge
    }
}

/// Measures an outline; `None` if no circle fits what is free of edges.
pub(super) fn measure(outline: &[Vertex]) -> Option<Measure> {
    let next = outline.iter().cycle().skip(1);
    let pieces: Vec<Piece> = (outline.iter().zip(next))
        .map(|(from, to)| Piece {
            from: *from,
            to: *to,
            length: (to.place.0 - from.place.0).hypot(to.place.1 - from.place.1),
        })
        .collect();
    let twice: f64 = (pieces.iter())
        .map(|piece| piece.from.place.0 * piece.to.place.1 - piece.to.place.0 * piece.from.place.1)
        .sum();
    let length: f64 = pieces.iter().map(|piece| piece.length).sum();
    let along_edge: f64 = pieces
        .iter()
        .filter(|piece| piece.is_edge())
        .map(|piece| piece.length)
        .sum();
    let free: Vec<Piece> = pieces.into_iter().filter(|piece| !piece.is_edge()).collect();
    let (centre, radius) = fit(&free)?;
    Some(Measure {
        area: 0.5 * twice.abs(),
        centre,
        shape_error: shape_error(&free, centre, radius),
        edge_fraction: if length > 0.0 { along_edge / length } else { 1.0 },
        speed: mean_speed(&free),
    })
}

/// Centre and radius of the circle of least squares (Kåsa 1976: linear in `x² + y² = 2ax + 2by + c`), pieces weighted by
/// their lengths.
fn fit(pieces: &[Piece]) -> Option<((f64, f64), f64)> {
    let weight: f64 = pieces.iter().map(|piece| piece.length).sum();
    let mean = |of: &dyn Fn((f64, f64)) -> f64| -> f64 {
        let terms = pieces
            .iter()
            .map(|piece| 0.5 * piece.length * (of(piece.from.place) + of(piece.to.place)));
        terms.sum::<f64>() / weight
    };
    let (x, y) = (mean(&|(x, _)| x), mean(&|(_, y)| y));
    let moment = |of: &dyn Fn(f64, f64) -> f64| mean(&|place| of(place.0 - x, place.1 - y));
    let (xx, xy, yy) = (
        moment(&|x, _| x * x),
        moment(&|x, y| x * y),
        moment(&|_, y| y * y),
    );
    let (xz, yz) = (
        moment(&|x, y| x * (x * x + y * y)),
        moment(&|x, y| y * (x * x + y * y)),
    );
    let determinant = xx * yy - xy * xy;
    // A straight line has none.
    if determinant.is_nan() || determinant <= 1e-6 * (xx + yy).powi(2) {
        return None;
    }
    let a = 0.5 * (xz * yy - yz * xy) / determinant;
    let b = 0.5 * (yz * xx - xz * xy) / determinant;
    let radius = (xx + yy + a * a + b * b).sqrt();
    Some(((x + a, y + b), radius))
}

/// Area between outline and circle by the area of the circle, as far as the outline is free of edges: half the sum of
/// `|r² − R²| dθ` by half that of `R² dθ`. Of a closed outline that the centre sees whole this is the shape error of Kurian
/// et al. (2011); folds count as often as the outline runs over them.
fn shape_error(pieces: &[Piece], centre: (f64, f64), radius: f64) -> f64 {
    let square = radius * radius;
    let (mut between, mut turned) = (0.0, 0.0);
    for piece in pieces {
        let from = (piece.from.place.0 - centre.0, piece.from.place.1 - centre.1);
        let to = (piece.to.place.0 - centre.0, piece.to.place.1 - centre.1);
        let turn = (from.0 * to.1 - from.1 * to.0)
            .atan2(from.0 * to.0 + from.1 * to.1)
            .abs();
        let distance = 0.5 * (from.0 * from.0 + from.1 * from.1 + to.0 * to.0 + to.1 * to.1);
        between += (distance - square).abs() * turn;
        turned += turn;
    }
    between / (square * turned.min(2.0 * PI))
}

fn mean_speed(pieces: &[Piece]) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for piece in pieces {
        let speed = 0.5 * (piece.from.speed + piece.to.speed);
        if !speed.is_nan() {
            sum += piece.length * speed;
            weight += piece.length;
        }
    }
    sum / weight
}
