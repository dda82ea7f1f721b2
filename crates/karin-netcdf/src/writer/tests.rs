use std::collections::HashMap;

use karin_core::{
    Array, AttrValue, Attributes, Dataset, DatasetError, Dimension, FillMode, NoProgress, Storage, Values,
    VariableMeta,
};

use super::*;

/// A dataset in memory.
#[derive(Clone, Debug, Default)]
struct Memory {
    root: GroupMeta,
    arrays: HashMap<String, Array>,
}

impl Dataset for Memory {
    fn label(&self) -> &str {
        "memory"
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let array = self
            .arrays
            .get(path)
            .ok_or_else(|| DatasetError::no_variable("memory", path))?;
        let size = array.values.dtype().size();
        let bytes = array.values.as_bytes();
        let mut index = slab.start.clone();
        for piece in out.chunks_exact_mut(size) {
            let at = index
                .iter()
                .zip(&array.shape)
                .fold(0, |at, (index, size)| at * size + index);
            piece.copy_from_slice(&bytes[at * size..(at + 1) * size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < slab.start[axis] + slab.count[axis] {
                    break;
                }
                index[axis] = slab.start[axis];
            }
        }
        Ok(())
    }

    fn read_strings(&self, path: &str, slab: &Slab) -> Result<Vec<String>, DatasetError> {
        match self.arrays.get(path).map(|array| &array.values) {
            Some(Values::String(strings)) if slab.start.len() <= 1 => {
                let first = slab.start.first().copied().unwrap_or(0);
                Ok(strings[first..first + slab.len()].to_vec())
            }
            _ => Err(DatasetError::no_variable("memory", path)),
        }
    }
}

fn dimension(name: &str, size: usize) -> Dimension {
    Dimension {
        name: name.into(),
        size,
        unlimited: false,
    }
}

fn variable(name: &str, dtype: DType, dimensions: &[&str], storage: Storage) -> VariableMeta {
    VariableMeta {
        name: name.into(),
        dtype,
        dimensions: dimensions.iter().map(ToString::to_string).collect(),
        attributes: Attributes::new(),
        storage,
    }
}

fn packed(chunks: &[usize]) -> Storage {
    Storage {
        chunks: Some(chunks.to_vec()),
        shuffle: true,
        deflate: Some(4),
        ..Storage::default()
    }
}

/// Everything that a file can have, small.
fn everything() -> Memory {
    let mut memory = Memory::default();
    let root = &mut memory.root;
    root.dimensions = vec![
        dimension("num_lines", 700),
        dimension("num_pixels", 7),
        dimension("x", 5),
    ];
    root.dimensions.push(Dimension {
        name: "t".into(),
        size: 3,
        unlimited: true,
    });
    root.attributes.set("title", "every kind");
    root.attributes.set("empty", "");
    root.attributes.set("cycle_number", AttrValue::number(475_i16));
    root.attributes.set(
        "list",
        AttrValue::Array(Values::String(vec!["a".into(), String::new(), "é".into()])),
    );
    root.attributes
        .set("none", AttrValue::Array(Values::Int32(Vec::new())));
    let mut put = |mut variable: VariableMeta, values: Values, shape: &[usize]| {
        variable.attributes.set("long_name", variable.name.clone());
        memory.arrays.insert(
            variable.name.clone(),
            Array {
                shape: shape.to_vec(),
                values,
            },
        );
        memory.root.variables.push(variable);
    };
    let lines: Vec<f64> = (0..700).map(|line| f64::from(line) * 0.5).collect();
    put(
        variable("time", DType::Float64, &["num_lines"], packed(&[700])),
        Values::Float64(lines),
        &[700],
    );
    let ssh = (0..4900).map(|index| index * index % 7919).collect();
    let mut meta = variable("ssh", DType::Int32, &["num_lines", "num_pixels"], packed(&[9, 4]));
    meta.attributes.set("_FillValue", AttrValue::number(i32::MAX));
    put(meta, Values::Int32(ssh), &[700, 7]);
    let storage = Storage {
        fletcher32: true,
        big_endian: true,
        ..packed(&[2, 3, 4, 2])
    };
    let cube = (0..5 * 7 * 5 * 3).map(|index| index as f32 * 0.25).collect();
    put(
        variable("cube", DType::Float32, &["x", "num_pixels", "x", "t"], storage),
        Values::Float32(cube),
        &[5, 7, 5, 3],
    );
    let x = Values::Int16(vec![1, 2, 3, 4, 5]);
    put(
        variable(
            "x",
            DType::Int16,
            &["x"],
            Storage {
                big_endian: true,
                ..Storage::default()
            },
        ),
        x,
        &[5],
    );
    put(
        variable("t", DType::Int8, &["t"], Storage::default()),
        Values::Int8(vec![-1, 0, 1]),
        &[3],
    );
    put(
        variable(
            "num_pixels",
            DType::UInt16,
            &["x", "num_pixels"],
            Storage::default(),
        ),
        Values::UInt16((0..35).collect()),
        &[5, 7],
    );
    put(
        variable("crs", DType::Char, &[], Storage::default()),
        Values::Char(vec![b'c']),
        &[],
    );
    put(
        variable("names", DType::String, &["x"], Storage::default()),
        Values::String(["a", "", "long name", "é", "e"].map(String::from).to_vec()),
        &[5],
    );
    let unset = Storage {
        fill: FillMode::NoFill,
        ..Storage::default()
    };
    put(
        variable("unset", DType::UInt64, &["x"], unset),
        Values::UInt64(vec![u64::MAX; 5]),
        &[5],
    );
    memory
}

fn write(dataset: &dyn Dataset, path: &Path, jobs: usize) -> Result<(), WriteError> {
    let options = WriteOptions::default().with_resources(Resources {
        jobs,
        memory: 1 << 20,
    });
    write_dataset(path, dataset, &options, &NoProgress)
}

#[test]
fn bytes_are_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Vec<u8>> = [1, 2, 8]
        .map(|jobs| {
            let path = folder.path().join(format!("{jobs}.nc"));
            write(&everything(), &path, jobs).unwrap();
            std::fs::read(path).unwrap()
        })
        .into();
    assert!(all[0] == all[1] && all[1] == all[2]);
}

fn create(root: &GroupMeta, path: &Path) -> Result<NcWriter, WriteError> {
    NcWriter::create(path, root, &WriteOptions::default())
}

/// A root with one dimension of each length and one variable over all of them.
fn grid(shape: &[usize], storage: Storage) -> GroupMeta {
    let names: Vec<String> = (0..shape.len()).map(|axis| format!("axis_{axis}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    GroupMeta {
        dimensions: names
            .iter()
            .zip(shape)
            .map(|(name, &size)| dimension(name, size))
            .collect(),
        variables: vec![variable("values", DType::Int16, &names, storage)],
        ..GroupMeta::default()
    }
}

#[test]
fn a_dropped_writer_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.nc");
    std::fs::write(&path, b"old").unwrap();
    let mut writer = create(&grid(&[4, 4], packed(&[2, 4])), &path).unwrap();
    writer
        .write_slab("values", &Slab::all(&[4, 4]), &[0; 32])
        .unwrap();
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn slabs_in_any_order_make_the_same_values() {
    let folder = tempfile::tempdir().unwrap();
    for storage in [packed(&[2, 3]), Storage::default()] {
        let values: Vec<u8> = (0..7 * 5 * 2).collect();
        let path = folder.path().join("out.nc");
        let mut writer = create(&grid(&[7, 5], storage), &path).unwrap();
        for lines in [4..7, 0..2, 2..4] {
            let slab = Slab::rows(&[7, 5], lines.clone());
            writer
                .write_slab("values", &slab, &values[lines.start * 10..lines.end * 10])
                .unwrap();
        }
        writer.finish().unwrap();
        let mut read = vec![0; 70];
        let file = crate::NcFile::open(&path).unwrap();
        file.read_into("values", &Slab::all(&[7, 5]), &mut read).unwrap();
        assert_eq!(read, values);
    }
}

#[test]
fn slabs_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nc");
    let mut writer = create(&grid(&[7, 5], packed(&[2, 5])), &path).unwrap();
    let slab = |start: usize, count: usize| Slab::rows(&[9, 5], start..start + count);
    for (slab, len) in [
        (slab(1, 2), 20),
        (slab(0, 3), 30),
        (slab(6, 2), 20),
        (slab(0, 2), 19),
    ] {
        let error = writer.write_slab("values", &slab, &vec![0; len]).unwrap_err();
        assert!(matches!(error, WriteError::Slab { .. }), "{error}");
    }
    assert!(matches!(
        writer.write_slab("nothing", &slab(0, 2), &[0; 20]),
        Err(WriteError::NoVariable { .. })
    ));
    let strings = writer.write_strings("values", &slab(0, 2), &[]);
    assert!(matches!(strings, Err(WriteError::Slab { .. })));
    assert_eq!(writer.chunks("values").unwrap(), Some(vec![2, 5]));
}

#[test]
fn structures_that_netcdf_does_not_have_are_refused() {
    let path = Path::new("never/written.nc");
    let base = || grid(&[7, 5], Storage::default());
    let with = |change: fn(&mut GroupMeta)| {
        let mut root = base();
        change(&mut root);
        create(&root, path).unwrap_err()
    };
    let structures: [fn(&mut GroupMeta); 9] = [
        |root| root.variables[0].name = "a/b".into(),
        |root| root.variables[0].name = String::new(),
        |root| root.dimensions.push(dimension("axis_0", 3)),
        |root| root.variables.push(root.variables[0].clone()),
        |root| root.variables[0].dimensions[0] = "elsewhere".into(),
        |root| {
            root.variables[0]
                .attributes
                .set("_FillValue", AttrValue::number(0.5_f32))
        },
        |root| root.attributes.set("_NCProperties", "mine"),
        |root| {
            root.groups.push(GroupMeta {
                name: "axis_0".into(),
                ..GroupMeta::default()
            })
        },
        |root| root.variables[0].storage.chunks = Some(vec![0, 5]),
    ];
    for change in structures {
        let error = with(change);
        assert!(matches!(error, WriteError::Structure { .. }), "{error}");
    }
    let limits: [fn(&mut GroupMeta); 4] = [
        |root| root.attributes.set("long", "x".repeat(65_530)),
        |root| root.variables[0].name = "x".repeat(257),
        |root| {
            root.dimensions[0].size = 1 << 33;
            root.variables[0].storage.chunks = Some(vec![1 << 33, 5]);
        },
        |root| {
            root.dimensions
                .iter_mut()
                .for_each(|dimension| dimension.size = usize::MAX)
        },
    ];
    for change in limits {
        let error = with(change);
        assert!(matches!(error, WriteError::Limit { .. }), "{error}");
    }
    assert!(matches!(create(&base(), path), Err(WriteError::Io { .. })));
}
