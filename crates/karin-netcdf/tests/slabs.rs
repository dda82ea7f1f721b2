//! Slabs are the same part of the whole, whatever the layout; many at once are the same as one by one.

use karin_core::{Array, Dataset as _, DatasetError, Resources, Slab, Values};
use karin_netcdf::{NcError, NcFile, Request, read_many, read_many_into};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// The elements of `slab` of `whole`, one by one.
fn cut(whole: &Array, slab: &Slab) -> Vec<usize> {
    let mut indices = vec![0_usize];
    for (dimension, size) in whole.shape.iter().enumerate() {
        indices = indices
            .iter()
            .flat_map(|base| {
                (0..slab.count[dimension]).map(move |step| base * size + slab.start[dimension] + step)
            })
            .collect();
    }
    indices
}

fn assert_part(whole: &Array, part: &Array, slab: &Slab, what: &str) {
    let indices = cut(whole, slab);
    match (&whole.values, &part.values) {
        (Values::String(whole), Values::String(part)) => {
            let want: Vec<&String> = indices.iter().map(|index| &whole[*index]).collect();
            assert_eq!(part.iter().collect::<Vec<_>>(), want, "{what}");
        }
        (whole, part) => {
            let size = whole.dtype().size();
            let want: Vec<u8> = indices
                .iter()
                .flat_map(|i| &whole.as_bytes()[i * size..(i + 1) * size])
                .copied()
                .collect();
            assert!(part.as_bytes() == want, "{what}");
        }
    }
}

fn any_slab(shape: Vec<usize>) -> impl Strategy<Value = Slab> {
    let ranges: Vec<_> = shape.into_iter().map(|size| (0..=size, 0..=size)).collect();
    ranges.prop_map(|ranges| {
        let (start, count) = ranges
            .into_iter()
            .map(|(a, b)| (a.min(b), a.max(b) - a.min(b)))
            .unzip();
        Slab { start, count }
    })
}

#[test]
fn any_slab_is_that_part_of_the_whole() {
    let test = "any_slab_is_that_part_of_the_whole";
    let folder = tempfile::tempdir().unwrap();
    let Some(files) = test_support::netcdf_files(test, folder.path()) else {
        return;
    };
    let mut runner = TestRunner::deterministic();
    let mut checked = 0;
    for path in files {
        let file = NcFile::open(&path).unwrap();
        for variable in file.root().variable_paths() {
            let what = format!("{} {variable}", path.display());
            let whole = file.read(&variable).unwrap();
            let strategy = any_slab(whole.shape.clone());
            for _ in 0..6 {
                let slab = strategy.new_tree(&mut runner).unwrap().current();
                let part = file.read_slab(&variable, &slab).unwrap();
                assert_part(&whole, &part, &slab, &format!("{what} {slab:?}"));
                checked += 1;
            }
        }
    }
    assert!(checked > 1_000, "{checked} slabs");
}

#[test]
fn what_does_not_fit_is_refused() {
    let test = "what_does_not_fit_is_refused";
    let folder = tempfile::tempdir().unwrap();
    let Some(files) = test_support::netcdf_files(test, folder.path()) else {
        return;
    };
    let path = files.iter().find(|path| path.ends_with("numbers.nc")).unwrap();
    let file = NcFile::open(path).unwrap();
    let kind = |result: Result<(), DatasetError>| result.unwrap_err().kind;
    let slab = |start: [usize; 2], count: [usize; 2]| Slab {
        start: start.into(),
        count: count.into(),
    };
    let mut buffer = vec![0; 101 * 37 * 2];
    let too_far = slab([100, 0], [2, 37]);
    assert_eq!(
        kind(file.read_into("v_i2", &too_far, &mut buffer[..148])),
        karin_core::ErrorKind::InvalidArgument
    );
    let huge = slab([usize::MAX, 0], [2, 37]);
    assert_eq!(
        kind(file.read_into("v_i2", &huge, &mut buffer)),
        karin_core::ErrorKind::InvalidArgument
    );
    let short = slab([0, 0], [101, 36]);
    assert_eq!(
        kind(file.read_into("v_i2", &short, &mut buffer)),
        karin_core::ErrorKind::InvalidArgument
    );
    let flat = Slab {
        start: vec![0],
        count: vec![3],
    };
    assert_eq!(
        kind(file.read_into("v_i2", &flat, &mut buffer[..6])),
        karin_core::ErrorKind::InvalidArgument
    );
    assert_eq!(
        kind(file.read_into("v_i3", &short, &mut buffer)),
        karin_core::ErrorKind::NotFound
    );
    assert_eq!(
        file.read_strings("v_i2", &short).unwrap_err().kind,
        karin_core::ErrorKind::InvalidArgument
    );
    assert!(
        file.read_into("v_i2", &Slab::all(&[101, 37]), &mut buffer)
            .is_ok()
    );
}

#[test]
fn many_at_once_are_the_same_as_one_by_one() {
    let test = "many_at_once_are_the_same_as_one_by_one";
    let folder = tempfile::tempdir().unwrap();
    let Some(paths) = test_support::netcdf_files(test, folder.path()) else {
        return;
    };
    let files: Vec<NcFile> = paths.iter().map(|path| NcFile::open(path).unwrap()).collect();
    let requests: Vec<Request<'_>> = files
        .iter()
        .flat_map(|file| {
            file.root()
                .variable_paths()
                .into_iter()
                .map(|path| Request::whole(file, &path).unwrap())
        })
        .collect();
    let resources = Resources {
        jobs: 4,
        memory: 48 << 20,
    };
    let taken = std::sync::Mutex::new(vec![None; requests.len()]);
    read_many(&requests, &resources, |number, array| {
        taken.lock().unwrap()[number] = Some(array);
        Ok::<(), NcError>(())
    })
    .unwrap();
    let taken: Vec<Array> = taken
        .into_inner()
        .unwrap()
        .into_iter()
        .map(Option::unwrap)
        .collect();
    for (request, array) in requests.iter().zip(&taken) {
        let whole = request.file.read(&request.variable).unwrap();
        // Bits, because NaN is not equal to itself.
        assert_eq!(whole.values.as_bytes(), array.values.as_bytes());
        assert_eq!(whole.shape, array.shape);
    }
    let numbers = |array: &&Array| !matches!(array.values, Values::String(_));
    let mut buffers: Vec<Vec<u8>> = taken
        .iter()
        .filter(numbers)
        .map(|array| vec![7; array.values.as_bytes().len()])
        .collect();
    let wanted = requests
        .iter()
        .zip(&taken)
        .filter(|(_, array)| numbers(array))
        .map(|(request, _)| request.clone());
    read_many_into(
        wanted.zip(buffers.iter_mut().map(Vec::as_mut_slice)).collect(),
        &resources,
    )
    .unwrap();
    for (array, buffer) in taken.iter().filter(numbers).zip(&buffers) {
        assert_eq!(array.values.as_bytes(), buffer);
    }
    let tiny = Resources {
        jobs: 2,
        memory: 1 << 10,
    };
    let refused = read_many(&requests, &tiny, |_, _| Ok::<(), NcError>(()));
    assert!(matches!(refused, Err(NcError::TooLarge { .. })));
}
