use karin_core::{CycleNumber, PassNumber};

use super::*;

const LINES: usize = 9866;

/// A column along a pass, so far right of the track at each line.
fn column(phase: Phase, pass: PassNumber, right_m: impl Fn(usize) -> f64) -> Column {
    let orbit = Orbit::of(phase);
    let step = orbit.length_m(pass) / LINES as f64;
    let places = (0..LINES).map(|line| orbit.point(pass, (line as f64 + 0.5) * step, right_m(line)));
    let (longitudes, latitudes) = places.unzip();
    Column {
        shift_m: 0.0,
        longitudes,
        latitudes,
    }
}

fn passes() -> impl Iterator<Item = (Phase, PassNumber)> {
    let of = |phase: Phase, step: usize| {
        (1..=phase.pass_count())
            .step_by(step)
            .map(move |pass| (phase, PassNumber(pass)))
    };
    of(Phase::Science, 53).chain(of(Phase::CalVal, 5))
}

fn checked(phase: Phase, pass: PassNumber, column: &Column) -> Result<(), Refusal> {
    let cycle = phase.first_cycle();
    let half_orbit = HalfOrbit {
        cycle: CycleNumber(cycle.0),
        pass,
    };
    check(phase, half_orbit, Guide::Centre, column)
}

#[test]
fn a_stretch_knows_where_the_lines_on_it_lie() {
    for (phase, pass) in passes() {
        let orbit = Orbit::of(phase);
        let wavy = column(phase, pass, |line| 1500.0 * (line as f64 / 200.0).sin());
        let exact = |line: usize| {
            let place = (wavy.longitudes[line], wavy.latitudes[line]);
            (
                orbit.cross_track(pass, place.0, place.1).1,
                direction(place.0, place.1),
            )
        };
        for start in (0..LINES - STRETCH).step_by(STRETCH) {
            let stretch = Stretch::between(exact(start), exact(start + STRETCH)).expect("a stretch");
            for line in start + 1..start + STRETCH {
                let (across_m, place) = exact(line);
                let (low, high) = stretch.across_m(place);
                assert!(
                    low <= across_m && across_m <= high,
                    "{phase} {pass} line {line}: {across_m} outside {low}..{high}"
                );
                assert!(
                    high - low < 1500.0,
                    "{phase} {pass} line {line}: {low}..{high} says nothing"
                );
            }
        }
    }
}

#[test]
fn one_line_that_lies_elsewhere_is_found_wherever_it_is() {
    for (phase, pass) in passes() {
        let good = column(phase, pass, |line| 400.0 * (line as f64 / 900.0).cos());
        assert!(checked(phase, pass, &good).is_ok(), "{phase} {pass}");
        for (line, right_m) in [(1, 2100.0), (4990, -2100.0), (5000, 2050.0), (LINES - 1, 9000.0)] {
            let spiked = column(phase, pass, |at| if at == line { right_m } else { 400.0 });
            let Err(Refusal::Geometry(reason)) = checked(phase, pass, &spiked) else {
                panic!("{phase} {pass}: line {line} at {right_m} m was taken");
            };
            assert!(reason.contains(&format!("line {line} at")), "{reason}");
        }
    }
}

#[test]
fn lines_out_of_order_or_out_of_range_are_compared_themselves() {
    let (phase, pass) = (Phase::Science, PassNumber(13));
    let mut moved = column(phase, pass, |_| 0.0);
    // On the great circle of its neighbours, but far along it.
    let far = Orbit::of(phase).point(pass, 1_000_000.0, 5000.0);
    (moved.longitudes[6000], moved.latitudes[6000]) = far;
    assert!(checked(phase, pass, &moved).is_err());
    let mut wrapped = column(phase, pass, |_| 0.0);
    // The same direction, said by impossible numbers.
    wrapped.longitudes[6000] += 180.0;
    wrapped.latitudes[6000] = 180.0 - wrapped.latitudes[6000];
    assert!(checked(phase, pass, &wrapped).is_err());
    let mut gaps = column(phase, pass, |_| 0.0);
    gaps.longitudes[100..7000].fill(f64::NAN);
    assert!(checked(phase, pass, &gaps).is_ok());
}
