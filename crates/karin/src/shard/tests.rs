use std::path::Path;

use karin_core::{DType, Dimension, GroupMeta, Slab, Storage, Values, VariableMeta};
use karin_engine::SharedSink as _;

use super::state::{Ending, Header, State, StateWriter};
use super::{Origin, Shard, ShardError, Unit, numbers, share, word};
use crate::Error;

#[test]
fn the_number_of_a_shard_is_read_as_it_is_written_and_no_other_is() {
    let shard: Shard = " 3/8".parse().unwrap();
    assert_eq!(
        (shard.index(), shard.count(), shard.to_string()),
        (3, 8, "3/8".to_owned())
    );
    for text in [
        "0/8", "9/8", "3", "3/", "/8", "a/b", "-1/8", "1/0", "1/100001", "3/8/9", "",
    ] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
}

#[test]
fn every_unit_is_in_one_shard_and_shards_follow_one_another() {
    for (units, count) in [(584_u16, 7), (3, 8), (1, 1), (10, 10), (0, 4)] {
        let weights: Vec<(Unit, u64)> = (1..=units)
            .map(|unit| ((unit, 0, 0), 1 + u64::from(unit) * 7919 % 13))
            .collect();
        let shards = (1..=count).map(|index| share(&weights, Shard::new(index, count).unwrap()).to_vec());
        let shards: Vec<Vec<(Unit, u64)>> = shards.collect();
        assert_eq!(shards.concat(), weights, "{units} units in {count} shards");
        let sizes = shards
            .iter()
            .map(|units| units.iter().map(|(_, bytes)| bytes).sum::<u64>());
        let total: u64 = weights.iter().map(|(_, bytes)| bytes).sum();
        let most = sizes.max().unwrap_or(0);
        assert!(
            most <= total.div_ceil(u64::from(count)) + 26,
            "{units} units in {count} shards: {most}"
        );
        let passes: usize = shards.iter().map(|units| numbers(units).count()).sum();
        assert_eq!(passes, usize::from(units));
    }
}

#[test]
fn a_reduction_survives_its_words() {
    let having = Some("count >= 10 and std < 0.5");
    for (statistics, target, with, having) in [
        (
            "mean,std,quantile(0.123456789012345678)",
            "over cycle",
            None,
            having,
        ),
        ("count", "over all", None, None),
        ("trend,median,mad", "by cycle", None, None),
        ("first,last", "by pass", None, None),
        ("mean", "by hour", None, None),
        ("min", "by day", None, None),
        ("max", "by month", None, None),
        ("median", "over num_lines", None, None),
        ("mean", "over num_pixels", None, None),
        ("sum,var", "grid 0.30000000000000004", None, None),
        (
            "count,density",
            "bin a:-1:1:0.1 b:0,1,2.30000000000000004",
            None,
            None,
        ),
        ("correlation,slope", "over cycle", Some("other"), None),
    ] {
        let header = Header {
            statistics: statistics.to_owned(),
            target: target.to_owned(),
            with: with.map(str::to_owned),
            having: having.map(str::to_owned),
            ..header()
        };
        let reduction = header.reduction().unwrap();
        let words: Vec<String> = reduction.statistics.iter().map(|s| word(*s)).collect();
        let again = Header {
            statistics: words.join(","),
            target: reduction.target.to_string(),
            ..header
        };
        assert_eq!(again.reduction().unwrap(), reduction);
    }
    for (statistics, target) in [
        ("mean", "over moon"),
        ("mode", "over all"),
        ("correlation", "over all"),
    ] {
        let header = Header {
            statistics: statistics.to_owned(),
            target: target.to_owned(),
            ..header()
        };
        assert!(header.reduction().is_err(), "{statistics} {target}");
    }
}

fn header() -> Header {
    Header {
        karin_version: "1".to_owned(),
        shard: Shard::new(1, 2).unwrap(),
        statistics: "mean".to_owned(),
        target: "over cycle".to_owned(),
        with: None,
        having: None,
        selection: karin_core::Selection::builder()
            .bbox("0.1,-10,20.30000000000000004,30")
            .unwrap()
            .build()
            .unwrap(),
        snapshot: None,
        plan: "two granules".to_owned(),
        granules: 2,
        identity: "00".to_owned(),
        origin: Origin::default(),
        history: "now karin".to_owned(),
    }
}

fn structure() -> GroupMeta {
    GroupMeta {
        dimensions: vec![Dimension {
            name: "x".to_owned(),
            size: 5,
            unlimited: false,
        }],
        variables: vec![VariableMeta {
            name: "v".to_owned(),
            dtype: DType::Float64,
            dimensions: vec!["x".to_owned()],
            attributes: [("_FillValue".to_owned(), karin_core::AttrValue::number(f64::NAN))]
                .into_iter()
                .collect(),
            storage: Storage::default(),
        }],
        ..GroupMeta::default()
    }
}

fn slab(start: usize, count: usize) -> Slab {
    Slab {
        start: vec![start],
        count: vec![count],
    }
}

fn write(path: &Path) {
    let writer = StateWriter::create(path, &header()).unwrap();
    writer.begin(&structure()).unwrap();
    writer
        .write("v", &slab(1, 3), &Values::Float64(vec![1.5, f64::NAN, -0.0]))
        .unwrap();
    writer.write_part(b"a part").unwrap();
    let left_out = vec![("granule".to_owned(), "torn".to_owned())];
    writer
        .finish(&Ending {
            granules: 1,
            left_out,
        })
        .unwrap();
}

/// Opens a state and reads all that it holds.
fn read(path: &Path) -> Result<(Vec<Values>, Vec<u8>), Error> {
    let state = State::open(path)?;
    let values = state
        .blocks
        .iter()
        .map(|block| state.values(block))
        .collect::<Result<_, _>>()?;
    Ok((values, state.part()?))
}

#[test]
fn a_state_comes_back_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.state");
    write(&path);
    let state = State::open(&path).unwrap();
    assert_eq!(state.header.selection, header().selection);
    assert_eq!(state.ending.left_out, [("granule".to_owned(), "torn".to_owned())]);
    let attributes = |root: &GroupMeta| format!("{root:?}");
    assert_eq!(
        attributes(state.structure.as_ref().unwrap()),
        attributes(&structure())
    );
    assert_eq!(
        state.blocks.first().map(|block| block.slab.clone()),
        Some(slab(1, 3))
    );
    let (values, part) = read(&path).unwrap();
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let [Values::Float64(values)] = values.as_slice() else {
        panic!("{values:?}")
    };
    assert_eq!(
        (bits(values), part),
        (bits(&[1.5, f64::NAN, -0.0]), b"a part".to_vec())
    );
}

#[test]
fn a_state_cut_or_changed_anywhere_is_an_error_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.state");
    write(&path);
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = read(&path).unwrap_err();
        let expected = matches!(
            error,
            Error::Shard(ShardError::Truncated { .. } | ShardError::NoState { .. })
        );
        assert!(expected, "cut at {cut}: {error:?}");
    }
    for at in 0..whole.len() {
        for change in [1, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            std::fs::write(&path, changed).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, Error::Shard(_)), "changed at {at}: {error:?}");
        }
    }
    std::fs::write(&path, [whole.as_slice(), b"more"].concat()).unwrap();
    assert!(read(&path).is_err());
}
