//! Coloured tiles for QGIS, leaflet and the like.

use karin::plot::ColorMap;

use super::tiles::values;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::tile::{SIDE, TileId};
use crate::view::View;

/// What this question takes of its own.
pub const PARAMETERS: &[Parameter] = &[
    super::tiles::CYCLES,
    super::tiles::STAT,
    super::tiles::CYCLES_B,
    Parameter::new("min", Kind::Number, "value of the lowest colour"),
    Parameter::new("max", Kind::Number, "value of the highest colour"),
    Parameter::new(
        "cmap",
        Kind::Text,
        "colour map of cmocean, Crameri or matplotlib, as balance, vik or viridis_r",
    ),
    Parameter::new("key", Kind::Text, "key for maps, as collections tells it"),
];

/// `xyz`.
pub fn xyz(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let (y, _) = ask.part("y").split_once('.').unwrap_or((ask.part("y"), ""));
    let tile = TileId::parse(ask.part("z"), ask.part("x"), y)?;
    // Group and variable are named by the path, all else by the query.
    let params = ask
        .params
        .with("group", ask.part("group"))
        .with("var", ask.part("var"));
    let inner = Ask {
        viewer: ask.viewer,
        params,
        path: Vec::new(),
        progress: std::sync::Arc::clone(&ask.progress),
    };
    let view = inner.viewer.view(&inner.params)?;
    let key = format!("xyz {tile:?} {}", inner.params.canonical());
    let body = ask.viewer.tile(&key, ask.progress(), || {
        let (drawn, _) = values(&inner, &view, tile)?;
        let (low, high) = range(&inner, &view)?;
        let name = inner.params.text("cmap");
        let suited = ColorMap::suited_to(&view.name, &view.units);
        let map = name
            .map_or(Ok(suited), str::parse)
            .map_err(|error: karin::plot::UnknownColorMap| Problem::invalid(error.to_string()))?;
        png(&drawn.values, (low, high), map)
    })?;
    Ok(Reply::Png(body))
}

/// The ends of the colours: those given, else what suits the variable.
fn range(ask: &Ask<'_>, view: &View) -> Result<(f64, f64), Problem> {
    let (low, high) = (ask.params.number("min"), ask.params.number("max"));
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high),
        _ => {
            let (usual_low, usual_high) = super::distribution::suggested(ask, view)?;
            (low.unwrap_or(usual_low), high.unwrap_or(usual_high))
        }
    };
    match low < high {
        true => Ok((low, high)),
        false => Err(Problem::invalid("min, max: expected the first to be smaller")),
    }
}

fn png(values: &[f64], (low, high): (f64, f64), map: ColorMap) -> Result<Vec<u8>, Problem> {
    let mut pixels = vec![0; SIDE * SIDE * 4];
    for (pixel, value) in pixels.chunks_exact_mut(4).zip(values) {
        if value.is_finite() {
            let [red, green, blue] = map.color((value - low) / (high - low));
            pixel.copy_from_slice(&[red, green, blue, 255]);
        }
    }
    let failed = |error: png::EncodingError| Problem::defect(format!("the picture: {error}"));
    let mut body = Vec::new();
    let mut encoder = png::Encoder::new(&mut body, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::Params;

    #[test]
    fn nothing_is_transparent_and_values_have_their_colour() {
        let mut values = vec![f64::NAN; SIDE * SIDE];
        values[1] = 0.0;
        let body = png(&values, (-1.0, 1.0), ColorMap::BALANCE).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(body)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let [red, green, blue] = ColorMap::BALANCE.color(0.5);
        assert_eq!(pixels[..8], [0, 0, 0, 0, red, green, blue, 255]);
    }

    #[test]
    fn params_of_the_path_are_as_good_as_those_of_the_query() {
        let params = Params::default().with("group", "a").with("var", "b");
        assert_eq!((params.text("group"), params.text("var")), (Some("a"), Some("b")));
    }
}
