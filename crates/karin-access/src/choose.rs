//! Which of several processings of a half orbit are taken.

use std::collections::BTreeMap;

use karin_core::VersionChoice;

use crate::RemoteGranule;

/// The granules to take, in the order of time: with `all` every version, else the newest of each half orbit (and
/// variant). Of two of the same name the first stays.
pub(crate) fn choose(granules: Vec<RemoteGranule>, choice: &VersionChoice) -> Vec<RemoteGranule> {
    let mut chosen: BTreeMap<_, RemoteGranule> = BTreeMap::new();
    for granule in granules {
        let name = &granule.name;
        let version = (*choice == VersionChoice::All).then(|| name.version.clone());
        let key = (name.half_orbit, name.variant.clone(), version);
        match chosen.get(&key) {
            Some(known) if known.name.version >= name.version => {}
            _ => {
                chosen.insert(key, granule);
            }
        }
    }
    let mut chosen: Vec<_> = chosen.into_values().collect();
    chosen.sort_by(|a, b| {
        let by_time = a.name.start.total_cmp(&b.name.start);
        by_time.then_with(|| a.name.version.cmp(&b.name.version))
    });
    chosen
}

#[cfg(test)]
mod tests {
    use karin_core::GranuleName;

    use super::*;
    use crate::{Location, Size};

    fn granule(version: &str, pass: u16) -> RemoteGranule {
        let file_name =
            format!("SWOT_L2_LR_SSH_Basic_010_{pass:03}_20240210T140442_20240210T145610_{version}.nc");
        RemoteGranule {
            name: GranuleName::parse_whole(&file_name).unwrap().0,
            location: Location::File(file_name.clone().into()),
            file_name,
            size: Size::Unknown,
            checksum: None,
            modified: None,
        }
    }

    #[test]
    fn the_newest_of_each_half_orbit_unless_all_are_asked_for() {
        let granules = || {
            let versions = ["PIC0_01", "PGC0_01", "PIC2_01", "PGC0_02"];
            let mut granules: Vec<_> = versions.iter().map(|version| granule(version, 13)).collect();
            granules.push(granule("PIC0_01", 14));
            granules
        };
        let names = |choice: &str| -> Vec<String> {
            let choice = choice.parse().unwrap();
            choose(granules(), &choice)
                .iter()
                .map(|granule| granule.name.version.to_string())
                .collect()
        };
        assert_eq!(names("best"), ["PIC0_01", "PGC0_02"]);
        assert_eq!(names("C").len(), 2);
        assert_eq!(
            names("all"),
            ["PIC0_01", "PIC0_01", "PIC2_01", "PGC0_01", "PGC0_02"]
        );
    }
}
