//! Whatever is written is read back: any shape, type, layout and filter, through `NcWriter` and `NcFile`.

use karin_core::{
    Array, AttrValue, DType, Dataset, Dimension, GroupMeta, Resources, Slab, Storage, Values, VariableMeta,
};
use karin_netcdf::{NcFile, NcWriter, WriteOptions};
use proptest::prelude::*;

/// Length, chunk length and whether it may grow, of every dimension; and the rest of the layout.
fn layout() -> impl Strategy<Value = (Vec<(usize, usize, bool)>, Storage)> {
    let axis = (0_usize..9, 1_usize..5, any::<bool>());
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(0_u8..10),
    );
    (proptest::collection::vec(axis, 0..5), flags).prop_map(|(axes, flags)| {
        let (chunked, shuffle, fletcher32, big_endian, deflate) = flags;
        let chunks = chunked.then(|| axes.iter().map(|axis| axis.1).collect());
        (
            axes,
            Storage {
                chunks,
                shuffle,
                fletcher32,
                big_endian,
                deflate,
                ..Storage::default()
            },
        )
    })
}

/// `bytes`, repeated, as values of that type.
fn values(dtype: DType, len: usize, bytes: &[u8]) -> Values {
    if dtype == DType::String {
        let text = |index: usize| "é".repeat(usize::from(bytes[index % bytes.len()]) % 5);
        return Values::String((0..len).map(text).collect());
    }
    let mut values = Values::zeros(dtype, len);
    for (to, from) in values.as_bytes_mut().iter_mut().zip(bytes.iter().cycle()) {
        *to = *from;
    }
    values
}

fn bits(array: &Array) -> (Vec<usize>, Vec<u8>, Option<Vec<String>>) {
    let strings = match &array.values {
        Values::String(strings) => Some(strings.clone()),
        _ => None,
    };
    (array.shape.clone(), array.values.as_bytes().to_vec(), strings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn values_attributes_and_structure_come_back(
        (axes, storage) in layout(),
        dtype in proptest::sample::select(DType::ALL.to_vec()),
        bytes in proptest::collection::vec(any::<u8>(), 1..300),
        texts in proptest::collection::vec("[ -~é‘]{0,12}", 0..4),
        jobs in 1_usize..4,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("round.nc");
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let mut root = GroupMeta::default();
        for (index, &(size, _, unlimited)) in axes.iter().enumerate() {
            root.dimensions.push(Dimension { name: format!("d{index}"), size, unlimited });
        }
        let mut variable = VariableMeta {
            name: "values".into(),
            dtype,
            dimensions: root.dimensions.iter().map(|dimension| dimension.name.clone()).collect(),
            attributes: Default::default(),
            storage,
        };
        for (index, text) in texts.iter().enumerate() {
            variable.attributes.set(format!("text{index}"), text.clone());
        }
        variable.attributes.set("strings", AttrValue::Array(Values::String(texts)));
        root.variables.push(variable);
        let array = Array { shape: shape.clone(), values: values(dtype, shape.iter().product(), &bytes) };

        let options = WriteOptions::default().with_durable(false).with_resources(Resources { jobs, memory: 500 });
        let mut writer = NcWriter::create(&path, &root, &options).unwrap();
        match &array.values {
            Values::String(strings) => writer.write_strings("values", &Slab::all(&shape), strings).unwrap(),
            other => writer.write_slab("values", &Slab::all(&shape), other.as_bytes()).unwrap(),
        }
        writer.finish().unwrap();

        let file = NcFile::open(&path).unwrap();
        let read = &file.root().variables[0];
        prop_assert_eq!(&file.root().dimensions, &root.dimensions);
        prop_assert_eq!((&read.dtype, &read.dimensions), (&dtype, &root.variables[0].dimensions));
        prop_assert_eq!(&read.attributes, &root.variables[0].attributes);
        prop_assert_eq!(bits(&file.read("values").unwrap()), bits(&array));
    }
}
