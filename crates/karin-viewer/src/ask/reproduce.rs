//! The same with other tools: the command line and the Python that give what is shown.

use std::fmt::Write as _;

use karin_core::{Region, Selection};
use serde_json::json;

use super::common::selection;
use super::python::python;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};

/// What this question takes of its own.
pub const PARAMETERS: &[Parameter] = &[Parameter::new(
    "verb",
    Kind::Word(&["extract", "stat", "plot", "spectrum", "view"]),
    "what is to be done [extract]",
)];

/// `command`.
pub fn command(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let group = ask.viewer.archive().group(ask.params.require("group")?)?;
    let names: Vec<&str> = ask.params.all("var").collect();
    let selection = selection(group, &ask.params, &names)?;
    let verb = ask.params.text("verb").unwrap_or("extract");
    let format = ask.params.text("format").unwrap_or("nc");
    let rest = match verb {
        "extract" => format!("-o extract.{format}"),
        "stat" => "--over all --stats count,mean,std,min,max,median".to_owned(),
        "plot" => "-o map.png".to_owned(),
        "spectrum" => "-o spectrum.nc".to_owned(),
        _ => String::new(),
    };
    let cli = match verb {
        "view" => format!("karin view {}{}", sources(ask), layers(ask)),
        _ => cli(ask, verb, &selection, &rest),
    };
    Ok(Reply::Json(
        json!({"cli": cli, "python": python(ask, &selection, verb, format)}),
    ))
}

/// The command line of a selection.
pub fn cli(ask: &Ask<'_>, verb: &str, selection: &Selection, rest: &str) -> String {
    let mut selection = selection.clone();
    let polygon = match selection.region.take() {
        Some(Region::Polygon(polygon)) => Some(polygon),
        region => {
            selection.region = region;
            None
        }
    };
    let mut words = format!("karin {verb} {}", sources(ask));
    let flags = selection.to_string();
    if !flags.is_empty() {
        let _ = write!(words, " {flags}");
    }
    if polygon.is_some() {
        words.push_str(" --polygon area.geojson");
    }
    if !rest.is_empty() {
        let _ = write!(words, " {rest}");
    }
    match polygon {
        Some(polygon) => format!(
            "echo {} > area.geojson\n{words}",
            quoted(&polygon.geojson().to_string())
        ),
        None => words,
    }
}

/// The files of layers as options of `karin view`.
fn layers(ask: &Ask<'_>) -> String {
    let files = ask.viewer.layers().files().iter();
    files
        .map(|file| format!(" --layer {}", quoted(&file.display().to_string())))
        .collect()
}

fn sources(ask: &Ask<'_>) -> String {
    let inputs = ask
        .viewer
        .archive()
        .inputs()
        .iter()
        .map(|input| quoted(&input.display().to_string()));
    inputs.collect::<Vec<_>>().join(" ")
}

/// The text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.,:/=+@%".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
