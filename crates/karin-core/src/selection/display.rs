//! A selection as the command-line flags that make it.

use std::fmt;

use super::{Crop, Layout, Nadir, Selection, Side, VersionChoice};
use crate::geo::Region;
use crate::quality::QualityLevel;

/// The flags, quoted for a POSIX shell where that is needed; nothing for a selection of everything.
impl fmt::Display for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &dyn fmt::Display| Some(value.to_string());
        let mut flags: Vec<(&str, Option<String>)> = vec![
            ("product", self.product.map(|product| product.to_string())),
            ("phase", self.phase.map(|phase| phase.to_string())),
            ("cycles", self.cycles.as_ref().map(ToString::to_string)),
            ("passes", self.passes.as_ref().map(ToString::to_string)),
            ("time", self.time.as_ref().map(ToString::to_string)),
        ];
        flags.push(match &self.region {
            Some(Region::Box(bounds)) => ("bbox", text(bounds)),
            Some(Region::Polygon(polygon)) => ("polygon", text(polygon.geojson())),
            None => ("bbox", None),
        });
        flags.extend([
            ("crop", text(&self.crop).filter(|_| self.crop != Crop::default())),
            (
                "vars",
                Some(self.variables.join(",")).filter(|names| !names.is_empty()),
            ),
            (
                "quality",
                text(&self.quality).filter(|_| self.quality != QualityLevel::default()),
            ),
            (
                "nadir",
                text(&self.nadir).filter(|_| self.nadir != Nadir::default()),
            ),
            ("side", text(&self.side).filter(|_| self.side != Side::default())),
            ("where", self.where_.clone()),
        ]);
        flags.extend(
            self.lets
                .iter()
                .map(|(name, expression)| ("let", Some(format!("{name}={expression}")))),
        );
        flags.extend([
            ("from", self.from.clone()),
            ("method", self.method.clone()),
            (
                "version",
                text(&self.version).filter(|_| self.version != VersionChoice::default()),
            ),
            ("snapshot", self.snapshot.clone()),
            (
                "layout",
                text(&self.layout).filter(|_| self.layout != Layout::default()),
            ),
        ]);
        let given = flags
            .into_iter()
            .filter_map(|(flag, value)| value.map(|value| (flag, value)));
        for (index, (flag, value)) in given.enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(formatter, "{space}--{flag} {}", quoted(&value))?;
        }
        Ok(())
    }
}

/// The text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.,:/=+@%".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
