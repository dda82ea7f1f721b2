//! What can be asked, one file per kind of answer.

mod area;
mod collections;
mod common;
mod coverage;
mod distribution;
mod extract;
mod flags;
mod geometry;
mod hovmoller;
mod layers;
mod passes;
mod point;
mod profile;
mod python;
mod reproduce;
mod scatter;
mod series;
mod spectrum;
mod statistics;
mod strips;
mod tiles;
mod working;
mod xyz;

use crate::http::Answered::{Arrays, File, Json, Passing, Png};
use crate::http::Endpoint;
use crate::http::work::Cost;
use crate::view::{MEANING, VARIABLE};
pub use common::distance_m;
use common::{AREA, BBOX, CYCLE, CYCLE_B, CYCLES, FORMAT, GROUP, PASS, PASSES, VARIABLES};

/// Every endpoint.
pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/api/v1/health",
        summary: "Whether the viewer is there.",
        params: &[],
        cost: Cost::Light,
        answered: Passing,
        is_private: false,
        handler: working::health,
    },
    Endpoint {
        path: "/api/v1/progress",
        summary: "How far the request of that job is.",
        params: &[],
        cost: Cost::Light,
        answered: Passing,
        is_private: true,
        handler: working::progress,
    },
    Endpoint {
        path: "/api/v1/collections",
        summary: "The groups of granules, with their cycles and variables.",
        params: &[],
        cost: Cost::Light,
        answered: Json,
        is_private: true,
        handler: collections::collections,
    },
    Endpoint {
        path: "/api/v1/coverage",
        summary: "Which granules of a group exist.",
        params: &[&[GROUP]],
        cost: Cost::Light,
        answered: Json,
        is_private: true,
        handler: coverage::coverage,
    },
    Endpoint {
        path: "/api/v1/tracks",
        summary: "Outlines of the passes of a group, by the orbit model.",
        params: &[&[GROUP]],
        cost: Cost::Light,
        answered: Arrays,
        is_private: true,
        handler: geometry::tracks,
    },
    Endpoint {
        path: "/api/v1/mesh",
        summary: "Control points of a pass: corners of every so many cells.",
        params: &[&[
            GROUP,
            PASS,
            geometry::MESH_CYCLE,
            crate::view::SIDE,
            geometry::STEP,
        ]],
        cost: Cost::Light,
        answered: Arrays,
        is_private: true,
        handler: geometry::mesh,
    },
    Endpoint {
        path: "/api/v1/strips",
        summary: "Native values of some lines of a granule, as they are stored.",
        params: &[
            VARIABLE,
            MEANING,
            &[CYCLE, PASS, strips::LINES, strips::LEVEL, CYCLE_B],
        ],
        cost: Cost::Light,
        answered: Arrays,
        is_private: true,
        handler: strips::strips,
    },
    Endpoint {
        path: "/api/v1/tiles/{z}/{x}/{y}",
        summary: "A data tile of the Web Mercator map, 256 x 256.",
        params: &[VARIABLE, MEANING, &[tiles::CYCLES, tiles::STAT, tiles::CYCLES_B]],
        cost: Cost::Light,
        answered: Arrays,
        is_private: true,
        handler: tiles::tile,
    },
    Endpoint {
        path: "/api/v1/layers/{layer}/{z}/{x}/{y}",
        summary: "A data tile of a layer: a map, or tracks.",
        params: &[layers::PARAMETERS],
        cost: Cost::Light,
        answered: Arrays,
        is_private: true,
        handler: layers::tile,
    },
    Endpoint {
        path: "/api/v1/layers/{layer}/range",
        summary: "Between which values a variable of a layer mostly lies.",
        params: &[layers::PARAMETERS],
        cost: Cost::Light,
        answered: Json,
        is_private: true,
        handler: layers::range,
    },
    Endpoint {
        path: "/api/v1/range",
        summary: "Between which values a variable mostly lies, from a sample of granules.",
        params: &[VARIABLE, MEANING, &[CYCLES, PASSES, BBOX]],
        cost: Cost::Light,
        answered: Json,
        is_private: true,
        handler: distribution::range,
    },
    Endpoint {
        path: "/api/v1/point",
        summary: "Exact native values of one pixel, with what its flags mean.",
        params: &[&[GROUP, CYCLE], point::PARAMETERS],
        cost: Cost::Light,
        answered: Json,
        is_private: true,
        handler: point::point,
    },
    Endpoint {
        path: "/api/v1/profile",
        summary: "Values along the flight at a pixel, or across it at a line.",
        params: &[VARIABLE, MEANING, &[CYCLE, PASS, CYCLE_B], profile::PARAMETERS],
        cost: Cost::Light,
        answered: Json,
        is_private: true,
        handler: profile::profile,
    },
    Endpoint {
        path: "/api/v1/hovmoller",
        summary: "One pass in all cycles: line by cycle.",
        params: &[VARIABLE, MEANING, hovmoller::PARAMETERS],
        cost: Cost::Light,
        answered: Arrays,
        is_private: true,
        handler: hovmoller::hovmoller,
    },
    Endpoint {
        path: "/api/v1/series",
        summary: "Values of a place or an area, granule by granule.",
        params: &[VARIABLE, MEANING, AREA, series::PLACE],
        cost: Cost::Heavy,
        answered: Json,
        is_private: true,
        handler: series::series,
    },
    Endpoint {
        path: "/api/v1/spectrum",
        summary: "Power spectrum along the flight.",
        params: &[VARIABLE, MEANING, AREA, &[spectrum::SEGMENT]],
        cost: Cost::Heavy,
        answered: Json,
        is_private: true,
        handler: spectrum::spectrum,
    },
    Endpoint {
        path: "/api/v1/histogram",
        summary: "How often values occur inside an area.",
        params: &[VARIABLE, MEANING, AREA, statistics::HISTOGRAM],
        cost: Cost::Heavy,
        answered: Json,
        is_private: true,
        handler: statistics::histogram,
    },
    Endpoint {
        path: "/api/v1/scatter",
        summary: "Two variables against each other inside an area.",
        params: &[VARIABLE, MEANING, AREA, scatter::PARAMETERS],
        cost: Cost::Heavy,
        answered: Arrays,
        is_private: true,
        handler: scatter::scatter,
    },
    Endpoint {
        path: "/api/v1/stats",
        summary: "Statistics of an area, also cycle by cycle.",
        params: &[VARIABLE, MEANING, AREA, &[CYCLE_B]],
        cost: Cost::Heavy,
        answered: Json,
        is_private: true,
        handler: statistics::stats,
    },
    Endpoint {
        path: "/api/v1/flags",
        summary: "How often each flag of a variable holds, and how many pixels each quality level keeps.",
        params: &[VARIABLE, MEANING, AREA],
        cost: Cost::Heavy,
        answered: Json,
        is_private: true,
        handler: flags::flags,
    },
    Endpoint {
        path: "/api/v1/passes",
        summary: "Which passes see a place, past and future.",
        params: &[passes::PARAMETERS],
        cost: Cost::Light,
        answered: Passing,
        is_private: true,
        handler: passes::passes,
    },
    Endpoint {
        path: "/api/v1/extract",
        summary: "What is selected, as one file.",
        params: &[&[GROUP, VARIABLES, FORMAT], MEANING, extract::PARAMETERS, AREA],
        cost: Cost::Heavy,
        answered: File,
        is_private: true,
        handler: extract::extract,
    },
    Endpoint {
        path: "/api/v1/command",
        summary: "The command line and the Python that give the same.",
        params: &[&[GROUP, VARIABLES, FORMAT], MEANING, reproduce::PARAMETERS, AREA],
        cost: Cost::Light,
        answered: Json,
        is_private: true,
        handler: reproduce::command,
    },
    Endpoint {
        path: "/xyz/{group}/{var}/{z}/{x}/{y}",
        summary: "A coloured tile of the Web Mercator map (y ends in .png).",
        params: &[MEANING, xyz::PARAMETERS],
        cost: Cost::Light,
        answered: Png,
        is_private: true,
        handler: xyz::xyz,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_paths_of_their_own_and_name_no_parameter_twice() {
        let mut paths: Vec<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();
        paths.sort_unstable();
        paths
            .windows(2)
            .for_each(|pair| assert_ne!(pair.first(), pair.last()));
        for endpoint in ENDPOINTS {
            let mut names: Vec<&str> = endpoint
                .params
                .iter()
                .copied()
                .flatten()
                .map(|parameter| parameter.name)
                .collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", endpoint.path);
        }
    }
}
