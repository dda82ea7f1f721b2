//! Locations lead back to the files that they were made of, wherever the collection lies.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn origin(location: &str) -> Origin {
    Origin {
        location: location.into(),
        stamp: "0.000000000".into(),
        modified: None,
    }
}

#[test]
fn locations_are_relative_to_what_file_and_collection_have_in_common() {
    let of = |folder: &str, file: &str| location_of(Some(Path::new(folder)), Path::new(file)).unwrap();
    assert_eq!(
        of("/data/swot/c.karin", "/data/swot/L2/x.nc"),
        "vcc://up1/L2/x.nc"
    );
    assert_eq!(
        of("/data/swot/c.karin", "/data/other/x.nc"),
        "vcc://up2/other/x.nc"
    );
    assert_eq!(of("/data/c.karin", "/archive/x.nc"), "file:///archive/x.nc");
    assert_eq!(
        of("/a/c", "/a/100%/what?#1.nc"),
        "vcc://up1/100%25/what%3F%231.nc"
    );
    assert_eq!(
        of("/data/c.karin", "/my archive/x.nc"),
        "file:///my%20archive/x.nc"
    );
    assert_eq!(location_of(None, Path::new("/a/x.nc")).unwrap(), "file:///a/x.nc");
    assert_eq!(
        of("/data/c.karin", "/my archive/x.nc"),
        "file:///my%20archive/x.nc"
    );
}

#[test]
fn collection_and_files_move_together() {
    let relative = origin("vcc://up1/L2/x.nc");
    for root in ["/data/swot", "/mnt/disk 2"] {
        let folder = Path::new(root).join("c.karin");
        let expected = Place::File(Path::new(root).join("L2/x.nc"));
        assert_eq!(relative.place(Some(&folder)).unwrap(), expected);
    }
}

#[test]
fn locations_that_lead_elsewhere_are_refused() {
    let folder = Path::new("/data/c.karin");
    for location in [
        "vcc://up1/../../etc/passwd",
        "vcc://up1/%2e%2e/x",
        "vcc://up0/x",
        "vcc://up9/x",
        "vcc://down/x",
        "vcc://up1",
        "file:///../x",
        "x",
        "",
    ] {
        let place = origin(location).place(Some(folder));
        assert!(
            matches!(place, Err(StoreError::Corrupt { .. })),
            "{location}: {place:?}"
        );
    }
    assert!(origin("vcc://up1/x").place(None).is_err());
}

#[test]
fn addresses_are_not_files() {
    for address in ["https://host/a/x.nc", "s3://bucket/x.nc", "sftp://host/x.nc"] {
        assert_eq!(origin(address).place(None).unwrap(), Place::Server);
    }
}

#[test]
fn icechunk_is_given_what_servers_understand() {
    let of = |location: &str, modified| Origin {
        stamp: "\"abc\"".into(),
        modified,
        ..origin(location)
    };
    let tag = Some(Checksum::ETag(ETag("\"abc\"".into())));
    let date = Some(Checksum::LastModified(SecondsSinceEpoch(1_700_000_000)));
    assert_eq!(of("s3://bucket/x.nc", None).checksum(), tag);
    assert_eq!(of("https://host/x.nc", Some(1_700_000_000)).checksum(), date);
    assert_eq!(of("https://host/x.nc", None).checksum(), None);
    assert_eq!(origin("s3://bucket/x.nc").checksum(), None, "a date is no tag");
}

#[test]
fn the_second_that_icechunk_compares_is_never_before_the_stamp() {
    let seconds = |stamp: &str| {
        let origin = Origin {
            stamp: stamp.into(),
            ..origin("")
        };
        match origin.checksum() {
            Some(Checksum::LastModified(SecondsSinceEpoch(seconds))) => Some(seconds),
            _ => None,
        }
    };
    assert_eq!(seconds("1700000000.000000000"), Some(1_700_000_000));
    assert_eq!(seconds("1700000000.000000001"), Some(1_700_000_001));
    assert_eq!(seconds("-5.000000000"), None);
}

proptest! {
    /// Any file below any folder: what is made of the path leads back to it.
    #[test]
    fn every_path_comes_back(
        folder in prop::collection::vec(r"[a-c %?#|\\é]{1,4}", 1..4),
        file in prop::collection::vec(r"[a-c %?#|\\é]{1,4}", 1..5),
    ) {
        let under_root = |parts: &[String]| parts.iter().fold(PathBuf::from("/"), |path, part| path.join(part));
        let (folder, file) = (under_root(&folder), under_root(&file));
        let location = location_of(Some(&folder), &file).unwrap();
        prop_assert_eq!(origin(&location).place(Some(&folder)).unwrap(), Place::File(file));
    }
}
