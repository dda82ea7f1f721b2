//! The Python that gives what is shown.

use karin_core::{NumberList, Region, Selection};

use crate::http::Ask;

/// The lines that open the same sources, select the same and do what `verb` says.
pub fn python(ask: &Ask<'_>, selection: &Selection, verb: &str, format: &str) -> String {
    let inputs: Vec<String> = ask
        .viewer
        .archive()
        .inputs()
        .iter()
        .map(|input| text(&input.display().to_string()))
        .collect();
    let open = match inputs.as_slice() {
        [one] => format!("karin.open({one})"),
        several => format!("karin.granules([{}])", several.join(", ")),
    };
    let last = match verb {
        "stat" => "print(swot.reduce(\"count,mean,std,min,max,median\", over=\"all\"))".to_owned(),
        "plot" => {
            let name = selection.variables.first().map_or("ssha", String::as_str);
            format!("swot.to_xarray(stack=\"lines\").swot.plot({})", text(name))
        }
        "extract" if format != "png" => {
            let method = if format == "nc" { "netcdf" } else { format };
            format!("swot.to_{method}(\"extract.{format}\")")
        }
        _ => "ds = swot.to_xarray()".to_owned(),
    };
    let arguments = arguments(selection).join(",\n    ");
    format!("import karin\n\nswot = {open}.sel(\n    {arguments},\n)\n{last}\n")
}

/// What `sel` is given.
fn arguments(selection: &Selection) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |name: &str, value: String| arguments.push(format!("{name}={value}"));
    if let Some(product) = selection.product {
        add("product", text(product.name()));
    }
    if let Some(phase) = selection.phase {
        add("phase", text(phase.name()));
    }
    if selection.version != karin_core::VersionChoice::default() {
        add("version", text(&selection.version.to_string()));
    }
    for (name, list) in [
        ("cycle_number", &selection.cycles),
        ("pass_number", &selection.passes),
    ] {
        if let Some(list) = list {
            add(name, numbers(list));
        }
    }
    if let Some(time) = &selection.time {
        add("time", text(&time.to_string()));
    }
    match &selection.region {
        Some(Region::Box(bounds)) => add("bbox", format!("({bounds})")),
        Some(Region::Polygon(polygon)) => add("polygon", text(&polygon.geojson().to_string())),
        None => {}
    }
    if selection.quality != karin_core::QualityLevel::Any {
        add("quality", text(selection.quality.name()));
    }
    if selection.nadir != karin_core::Nadir::Keep {
        add("nadir", text(&selection.nadir.to_string()));
    }
    if selection.side != karin_core::Side::Both {
        add("side", text(&selection.side.to_string()));
    }
    for (name, value) in [
        ("where", &selection.where_),
        ("from_", &selection.from),
        ("method", &selection.method),
    ] {
        if let Some(value) = value {
            add(name, text(value));
        }
    }
    if !selection.variables.is_empty() {
        let names: Vec<String> = selection.variables.iter().map(|name| text(name)).collect();
        add("variables", format!("[{}]", names.join(", ")));
    }
    for (name, expression) in &selection.lets {
        add(name, text(expression));
    }
    arguments
}

/// A number, a slice (both ends included, as labels are), or a list.
fn numbers(list: &NumberList) -> String {
    let ranges: Vec<_> = list.ranges().collect();
    match ranges.as_slice() {
        [one] if one.start() == one.end() => one.start().to_string(),
        [one] => format!("slice({}, {})", one.start(), one.end()),
        _ => {
            let numbers: Vec<String> = list.iter().map(|number| number.to_string()).collect();
            format!("[{}]", numbers.join(", "))
        }
    }
}

/// A text as Python writes it: JSON's escapes are Python's too.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_short_as_they_can_be() {
        let of = |text: &str| numbers(&text.parse().unwrap());
        assert_eq!(
            (of("7"), of("1-3"), of("1-2,5")),
            ("7".to_owned(), "slice(1, 3)".to_owned(), "[1, 2, 5]".to_owned())
        );
    }

    #[test]
    fn a_selection_becomes_the_arguments_of_sel() {
        let selection = Selection::builder()
            .cycles("475")
            .and_then(|b| b.bbox("-15,34,36,54"))
            .and_then(|b| b.variables("x"));
        let selection = selection
            .and_then(|b| b.let_("x=ssha*2"))
            .and_then(|b| b.where_("x > \"0\"").build())
            .unwrap();
        let expected = [
            "cycle_number=475",
            "bbox=(-15,34,36,54)",
            "where=\"x > \\\"0\\\"\"",
            "variables=[\"x\"]",
            "x=\"ssha*2\"",
        ];
        assert_eq!(arguments(&selection), expected);
    }
}
