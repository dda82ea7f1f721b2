//! Perceptual colour maps: those of cmocean, Crameri and matplotlib, and which of them suits a quantity.

use std::fmt;
use std::str::FromStr;

use karin_core::Attributes;
use karin_core::suggest::did_you_mean;

/// Maps of 256 colours of red, green and blue, in the order of [`NAMES`]: first those of cmocean, then those of Crameri
/// and matplotlib.
static TABLES: [&[u8]; 2] = [
    include_bytes!("../../assets/cmocean.bin"),
    include_bytes!("../../assets/more_color_maps.bin"),
];
/// Maps of the first table.
const FIRST: usize = 22;

const NAMES: [&str; 40] = [
    "algae", "amp", "balance", "curl", "deep", "delta", "dense", "diff", "gray", "haline", "ice", "matter",
    "oxy", "phase", "rain", "solar", "speed", "tarn", "tempo", "thermal", "topo", "turbid", "vik", "roma",
    "berlin", "broc", "cork", "batlow", "lapaz", "oslo", "devon", "hawaii", "tokyo", "romaO", "viridis",
    "plasma", "inferno", "magma", "cividis", "twilight",
];

/// Maps whose middle means zero.
const DIVERGING: [&str; 11] = [
    "balance", "curl", "delta", "diff", "tarn", "topo", "vik", "roma", "berlin", "broc", "cork",
];

/// A colour map of cmocean, Crameri or matplotlib, as it is or the other way round (`thermal`, `ice_r`, `vik`).
///
/// Equal steps of the quantity look equally large in each of them, also in grey and to most who see colours
/// differently (Thyng et al. 2016, doi:10.5670/oceanog.2016.66; Crameri 2018, doi:10.5281/zenodo.1243862).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColorMap {
    index: usize,
    is_reversed: bool,
}

/// A name that no colour map has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no colour map '{0}' (there are {names}; with _r they run backwards){suggestion}", names = NAMES.join(", "), suggestion = did_you_mean(.0, NAMES))]
pub struct UnknownColorMap(pub String);

impl ColorMap {
    /// The map for anomalies, velocities and differences: white at zero.
    pub const BALANCE: Self = Self {
        index: 2,
        is_reversed: false,
    };
    /// The map for quantities that only grow from zero, such as a standard deviation.
    pub const AMP: Self = Self {
        index: 1,
        is_reversed: false,
    };
    /// The map for everything without a better one.
    pub const HALINE: Self = Self {
        index: 9,
        is_reversed: false,
    };

    /// Names of all maps.
    pub const fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// True if its middle means zero.
    pub fn is_diverging(self) -> bool {
        NAMES.get(self.index).is_some_and(|name| DIVERGING.contains(name))
    }

    /// The map that suits a variable, from what its attributes say: how much values differ grows from zero, whatever
    /// they are values of.
    pub fn suited_to_described(name: &str, attributes: &Attributes) -> Self {
        let text = |attribute: &str| attributes.text(attribute).unwrap_or_default().trim();
        let methods = text("cell_methods");
        let is_spread = ["standard_deviation", "variance"]
            .iter()
            .any(|method| methods.contains(method))
            || text("long_name").starts_with("median absolute deviation of");
        if is_spread {
            Self::AMP
        } else {
            Self::suited_to(name, text("units"))
        }
    }

    /// The map that suits a variable, from its name and units.
    pub fn suited_to(variable: &str, units: &str) -> Self {
        let name = variable.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        let map = if name.ends_with("_count") || has(&["num_pt", "n_obs"]) {
            "dense"
        } else if name.ends_with("_std")
            || name.ends_with("_var")
            || has(&["uncert", "variance", "swh", "wave"])
        {
            "amp"
        } else if has(&["vorticity", "curl"]) {
            "curl"
        } else if has(&[
            "ssha",
            "sla",
            "anomaly",
            "xover",
            "trend",
            "tide",
            "dac",
            "inv_bar",
            "_cor",
            "calibration",
        ]) || starts(&["ug", "vg", "u_", "v_", "wind_speed_model_"])
        {
            "balance"
        } else if has(&["sig0", "sigma0"]) {
            "ice"
        } else if has(&["speed", "wind"]) {
            "speed"
        } else if has(&["temp", "tmb", "sst"]) || units == "K" {
            "thermal"
        } else if has(&["depth", "distance"]) {
            "deep"
        } else if has(&["heading", "angle", "direction", "phase"]) {
            "phase"
        } else if has(&["rain"]) {
            "rain"
        } else {
            "haline"
        };
        map.parse().unwrap_or(Self::HALINE)
    }

    /// The colour at `place`, 0 for the lowest and 1 for the highest value; outside that, the colour of the end.
    pub fn color(self, place: f64) -> [u8; 3] {
        let place = if self.is_reversed { 1.0 - place } else { place };
        let scaled = place.clamp(0.0, 1.0) * 255.0;
        let low = scaled.floor();
        let part = scaled - low;
        let [first, more] = TABLES;
        let (table, index) = match self.index.checked_sub(FIRST) {
            Some(index) => (more, index),
            None => (first, self.index),
        };
        let entry = |offset: usize| {
            let at = (index * 256 + (low as usize + offset).min(255)) * 3;
            table.get(at..at + 3).unwrap_or(&[0, 0, 0])
        };
        let (a, b) = (entry(0), entry(1));
        std::array::from_fn(|channel| {
            let (a, b) = (f64::from(a[channel]), f64::from(b[channel]));
            (a + part * (b - a)).round() as u8
        })
    }
}

impl FromStr for ColorMap {
    type Err = UnknownColorMap;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().trim_start_matches("cmo.").trim_start_matches("cmc.");
        let (name, is_reversed) = match word.strip_suffix("_r") {
            Some(name) => (name, true),
            None => (word, false),
        };
        // `roma` and `romaO` are two maps; any other name may be written in capitals.
        let exact = NAMES.iter().position(|known| *known == name);
        let index = exact.or_else(|| NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)));
        index
            .map(|index| Self { index, is_reversed })
            .ok_or_else(|| UnknownColorMap(text.to_owned()))
    }
}

impl fmt::Display for ColorMap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.get(self.index).unwrap_or(&"");
        write!(formatter, "{name}{}", if self.is_reversed { "_r" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_map_is_there_and_runs_both_ways() {
        assert_eq!(TABLES.concat().len(), NAMES.len() * 256 * 3);
        assert_eq!(TABLES[0].len(), FIRST * 256 * 3);
        for name in NAMES {
            let map: ColorMap = name.parse().unwrap();
            let back: ColorMap = format!("{name}_r").parse().unwrap();
            assert_eq!(
                (map.color(0.0), map.color(-5.0)),
                (back.color(1.0), back.color(7.0)),
                "{name}"
            );
            assert_eq!(map.to_string(), name);
        }
    }

    #[test]
    fn diverging_maps_are_light_in_the_middle() {
        let brightness = |color: [u8; 3]| color.iter().map(|&channel| u32::from(channel)).sum::<u32>();
        let dark: ColorMap = "berlin".parse().unwrap();
        assert!(
            dark.is_diverging() && brightness(dark.color(0.5)) < 120,
            "dark in the middle"
        );
        let vik: ColorMap = "vik".parse().unwrap();
        assert!(vik.is_diverging() && brightness(vik.color(0.5)) > 600);
        let map = ColorMap::BALANCE;
        assert!(map.is_diverging() && brightness(map.color(0.5)) > 680);
        assert!(brightness(map.color(0.0)) < 200 && brightness(map.color(1.0)) < 200);
    }

    #[test]
    fn spreads_of_anything_grow_from_zero() {
        for (attribute, value, map) in [
            ("cell_methods", "area: standard_deviation", "amp"),
            ("cell_methods", "cycle_number: variance", "amp"),
            (
                "long_name",
                "median absolute deviation of relative vorticity",
                "amp",
            ),
            ("cell_methods", "area: mean", "curl"),
        ] {
            let mut attributes = Attributes::default();
            attributes.set(attribute, value);
            let suited = ColorMap::suited_to_described("vorticity_over_f", &attributes);
            assert_eq!(suited.to_string(), map, "{value}");
        }
    }

    #[test]
    fn quantities_get_maps_that_suit_them() {
        for (variable, map) in [
            ("ssha_karin_2", "balance"),
            ("ugosa_filtered", "balance"),
            ("ssha_karin_2_std", "amp"),
            ("ssha_karin_2_count", "dense"),
            ("swh_karin", "amp"),
            ("wind_speed_karin", "speed"),
            ("mean_sea_surface_cnescls", "haline"),
        ] {
            assert_eq!(ColorMap::suited_to(variable, "m").to_string(), map, "{variable}");
        }
    }

    #[test]
    fn an_unknown_map_is_answered_with_the_nearest() {
        let message = "thermel".parse::<ColorMap>().unwrap_err().to_string();
        assert!(message.ends_with("did you mean 'thermal'?"), "{message}");
        let named = |text: &str| text.parse::<ColorMap>().unwrap().to_string();
        assert_eq!(
            (named("romaO"), named("Roma"), named("cmc.vik_r")),
            ("romaO".into(), "roma".into(), "vik_r".into())
        );
    }
}
