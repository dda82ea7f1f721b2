use karin_core::Slab;

use super::*;

#[test]
fn names_say_whether_a_file_or_a_folder_is_meant() {
    let existing = tempfile::tempdir().unwrap();
    assert!(is_folder(existing.path()));
    assert!(is_folder(Path::new("granules/")));
    assert!(is_folder(Path::new("granules")));
    assert!(!is_folder(Path::new("crop.nc")));
    assert!(!is_folder(Path::new("crop.zarr")));
    let zarr = existing.path().join("old.zarr");
    std::fs::create_dir(&zarr).unwrap();
    assert!(!is_folder(&zarr), "a Zarr that exists is replaced, not filled");
}

#[test]
fn spooled_rows_read_back_in_any_part() {
    let folder = tempfile::tempdir().unwrap();
    for limit in [0, 12, 1000] {
        spooled_rows_read_back(folder.path(), limit);
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "spools have no names"
    );
}

fn spooled_rows_read_back(folder: &Path, limit: u64) {
    let mut spool = spool::Spool::new(folder, limit);
    let values: Vec<u8> = (0..30).collect();
    spool.append("v", 1, 6, &values[..12]).unwrap();
    let mark = spool.mark();
    spool.append("v", 1, 6, &[99; 6]).unwrap();
    spool.append("w", 1, 6, &[99; 6]).unwrap();
    spool.go_back(&mark).unwrap();
    assert!(!spool.holds("w"));
    spool.append("v", 1, 6, &values[12..]).unwrap();
    assert!(
        spool.append("v", 1, 5, &[0; 5]).is_err(),
        "rows of another length"
    );
    let dimension = |name: &str, size| karin_core::Dimension {
        name: name.into(),
        size,
        unlimited: false,
    };
    let variable = karin_core::VariableMeta {
        name: "v".into(),
        dtype: karin_core::DType::UInt8,
        dimensions: vec!["lines".into(), "a".into(), "b".into()],
        attributes: karin_core::Attributes::new(),
        storage: karin_core::Storage::default(),
    };
    spool.set_root(GroupMeta {
        dimensions: vec![dimension("lines", 5), dimension("a", 2), dimension("b", 3)],
        variables: vec![variable],
        ..GroupMeta::default()
    });
    let mut out = vec![0; 6];
    spool
        .read_into(
            "v",
            &Slab {
                start: vec![3, 0, 0],
                count: vec![1, 2, 3],
            },
            &mut out,
        )
        .unwrap();
    assert_eq!(out, [18, 19, 20, 21, 22, 23]);
    let mut out = vec![0; 4];
    spool
        .read_into(
            "v",
            &Slab {
                start: vec![1, 1, 1],
                count: vec![2, 1, 2],
            },
            &mut out,
        )
        .unwrap();
    assert_eq!(out, [10, 11, 16, 17]);
}
