use std::path::Path;

use super::*;

fn at(path: &Path) -> Result<Info, Error> {
    info(&path.to_string_lossy(), &OpenOptions::default())
}

fn file(test: &str, name: &str) -> Option<FileInfo> {
    let path = test_support::reference_data(test, name)?;
    match at(&path).expect(name) {
        Info::File(file) => Some(*file),
        _ => panic!("{name} is a file"),
    }
}

#[test]
fn a_whole_granule_is_told_wholly() {
    let name = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc";
    let Some(info) = file("a_whole_granule_is_told_wholly", name) else {
        return;
    };
    assert_eq!(info.damage.map(|damage| damage.reason), None);
    assert_eq!(info.warnings, Vec::<String>::new());
    assert_eq!(
        info.identity
            .product
            .map(|product| product.to_string())
            .as_deref(),
        Some("L3_LR_SSH_Expert")
    );
    assert_eq!(info.identity.direction, Some("ascending"));
    assert!(info.identity.is_ingested);
    let difference = info.difference.expect("the structure is known");
    assert!(difference.is_none(), "{difference:?}");
    let time = info.time.expect("times");
    assert_eq!((time.valid, time.missing), (9860, 0));
    assert!(time.start.starts_with("2024-12-29T16:58:06"), "{}", time.start);
    let area = info.area.expect("area");
    assert!(
        (area.south + 78.271_942).abs() < 1e-5 && (area.north - 78.272_019).abs() < 1e-5,
        "{area:?}"
    );
    let latitude = info
        .variables
        .iter()
        .find(|variable| variable.path == "latitude")
        .expect("latitude");
    assert_eq!(
        (latitude.scale_factor, latitude.shape.as_slice()),
        (1e-6, &[9860, 69][..])
    );
    assert_eq!(latitude.filters, ["shuffle", "deflate 5"]);
    assert!(
        latitude
            .stored_bytes
            .is_some_and(|stored| stored < latitude.raw_bytes)
    );
    let flag = info
        .flags
        .iter()
        .find(|flag| flag.path == "quality_flag")
        .expect("flag");
    assert_eq!((flag.kind, flag.meanings.len()), ("values", 13));
}

#[test]
fn a_truncated_download_is_named_with_the_bytes_expected_and_present() {
    let name = "swot_damaged/SWOT_L3_LR_SSH_Unsmoothed_001_155_20230726T173637_20230726T182804_v2.0.1.nc";
    let Some(info) = file("a_truncated_download_is_named", name) else {
        return;
    };
    let damage = info.damage.expect("damaged");
    assert_eq!(damage.kind, ErrorKind::Truncated);
    assert_eq!(
        (damage.expected_bytes, damage.present_bytes),
        (Some(710_918_010), 2_097_152)
    );
    assert!(
        damage
            .reason
            .contains("710918010 bytes expected, 2097152 present"),
        "{}",
        damage.reason
    );
    assert_eq!(
        info.identity.pass_number.map(|pass| pass.0),
        Some(155),
        "its name still tells what it is"
    );
}

#[test]
fn excerpts_differ_from_their_product_in_what_was_cut() {
    let name = "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc";
    let Some(info) = file("excerpts_differ_from_their_product_in_what_was_cut", name) else {
        return;
    };
    let difference = info.difference.expect("known");
    assert_eq!(difference.lines, Some((291, 9860)));
    assert_eq!(difference.added, ["num_lines", "num_pixels"]);
    assert!(difference.missing.is_empty());
    assert!(
        info.warnings
            .iter()
            .any(|warning| warning.contains("renamed copy")),
        "{:?}",
        info.warnings
    );
}

#[test]
fn nadir_files_and_maps_are_described_too() {
    let test = "nadir_files_and_maps_are_described_too";
    if let Some(info) = file(
        test,
        "nadir/JA1_GPN_2PeP001_002_20020115_060706_20020115_070316.nc",
    ) {
        assert!(info.format.is_some_and(|format| format.starts_with("netCDF-3")));
        assert!(
            info.time
                .is_some_and(|time| time.start.starts_with("2002-01-15T06:07"))
        );
        assert!(info.area.is_some_and(|area| area.north > 60.0));
        assert_eq!(
            info.identity,
            Identity::default(),
            "a cycle of Jason-1 is none of SWOT's"
        );
    }
    if let Some(info) = file(test, "duacs_l4/nrt_global_allsat_phy_l4_20190223_20190226.nc") {
        assert_eq!(info.identity.product, Some(karin_core::Product::L4));
        assert!(info.area.is_some_and(|area| area.south < -80.0));
    }
}

#[test]
fn folders_are_summed_up_by_product_version_and_phase() {
    let Some(path) = test_support::reference_data("folders_are_summed_up", "swot_l3") else {
        return;
    };
    let Info::Folder(folder) = at(&path).expect("folder") else {
        panic!("a folder")
    };
    assert_eq!(folder.files, 3);
    let versions: Vec<&str> = folder.granules.iter().map(|set| set.version.as_str()).collect();
    assert_eq!(
        versions,
        ["v1.0.2", "v2.0.1", "v2.0.1"],
        "one of v2.0.1 has lost its cycle"
    );
}

#[test]
fn what_is_not_there_or_not_netcdf_is_an_error() {
    assert_eq!(
        at(Path::new("no/such/file.nc")).expect_err("nothing").kind(),
        ErrorKind::NotFound
    );
    let folder = tempfile::tempdir().expect("folder");
    assert_eq!(at(folder.path()).expect_err("empty").kind(), ErrorKind::NotFound);
    let page = folder
        .path()
        .join("SWOT_L2_LR_SSH_Basic_010_013_20240210T140442_20240210T145610_PIC0_01.nc");
    std::fs::write(&page, "<html>Please log in</html>").expect("written");
    assert!(matches!(at(&page), Err(Error::Netcdf(NcError::NotNetcdf { .. }))));
}
