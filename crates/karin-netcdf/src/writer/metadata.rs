//! Everything of a file that is not data: headers of groups and datasets, their attributes, the superblock.

use karin_core::{AttrValue, Values};

use super::bytes::{Put, UNDEFINED, lookup3};
use super::datatype;
use super::heap::Heap;
use super::message::{AttributeParts, Header, LARGEST, TooLarge};
use super::plan::{DatasetPlan, FilePlan, Fill, Role, Target};
use super::rules::{self, Fault};

/// Size of the superblock, which opens the file.
pub(super) const SUPERBLOCK: u64 = 48;

/// Where the headers lie.
#[derive(Debug, Default)]
struct Addresses {
    groups: Vec<u64>,
    datasets: Vec<u64>,
}

/// The metadata as it is to lie in the file, and where the root group is.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) bytes: Vec<u8>,
    pub(super) root: u64,
}

/// Encodes heap and headers, to lie at `start`. `data` is where the data (or the chunk index) of each dataset lies.
///
/// Sizes do not depend on addresses: a first round finds them, a second one fills in the places.
pub(super) fn encode(plan: &FilePlan, data: &[Option<u64>], start: u64) -> Result<Metadata, Fault> {
    let (sized, heap) = encode_headers(plan, data, start, &Addresses::default())?;
    let mut at = start + heap.len() as u64;
    let mut places = Vec::with_capacity(sized.len());
    for header in &sized {
        places.push(at);
        at = (at + header.len() as u64).next_multiple_of(8);
    }
    let datasets = places.split_off(plan.groups.len());
    let addresses = Addresses {
        groups: places,
        datasets,
    };
    let (headers, mut bytes) = encode_headers(plan, data, start, &addresses)?;
    for header in &headers {
        bytes.extend_from_slice(header);
        bytes.pad_to_eight();
    }
    Ok(Metadata {
        bytes,
        root: addresses.groups.first().copied().unwrap_or(UNDEFINED),
    })
}

/// The superblock (version 2) of a file of `size` bytes.
pub(super) fn superblock(root: u64, size: u64) -> Vec<u8> {
    let mut out = b"\x89HDF\r\n\x1a\n\x02\x08\x08\0".to_vec();
    for address in [0, UNDEFINED, size, root] {
        out.put_u64(address);
    }
    out.put_u32(lookup3(&out));
    out
}

/// Headers of all groups, then of all datasets; and the heap that they refer to.
fn encode_headers(
    plan: &FilePlan,
    data: &[Option<u64>],
    heap_at: u64,
    addresses: &Addresses,
) -> Result<(Vec<Vec<u8>>, Vec<u8>), Fault> {
    let mut heap = Heap::at(heap_at);
    let mut headers = Vec::with_capacity(plan.groups.len() + plan.datasets.len());
    for (number, group) in plan.groups.iter().enumerate() {
        let at = |_: TooLarge| Fault::limit(&group.path, "the group has too many members");
        let mut header = Header::default();
        header.group(group.links.len() as u64).map_err(at)?;
        for (order, (name, target)) in group.links.iter().enumerate() {
            let place = match *target {
                Target::Group(number) => addresses.groups.get(number),
                Target::Dataset(number) => addresses.datasets.get(number),
            };
            header
                .link(name, order as u64, place.copied().unwrap_or(0))
                .map_err(at)?;
        }
        if number == 0 {
            let made_by = AttrValue::from(concat!("version=2,karin=", env!("CARGO_PKG_VERSION")));
            put_attribute(&mut header, &mut heap, &group.path, "_NCProperties", &made_by)?;
        }
        for (name, value) in group.attributes.iter() {
            put_attribute(&mut header, &mut heap, &group.path, name, value)?;
        }
        headers.push(header.finish().map_err(at)?);
    }
    for (dataset, &place) in plan.datasets.iter().zip(data) {
        headers.push(encode_dataset(plan, dataset, place, addresses, &mut heap)?);
    }
    Ok((headers, heap.finish()))
}

fn encode_dataset(
    plan: &FilePlan,
    dataset: &DatasetPlan,
    place: Option<u64>,
    addresses: &Addresses,
    heap: &mut Heap,
) -> Result<Vec<u8>, Fault> {
    let too_large = |_: TooLarge| Fault::limit(&dataset.path, "its header is larger than 4 GiB");
    let mut header = Header::default();
    let datatype = datatype::element(dataset.dtype, dataset.big_endian);
    let dataspace = datatype::extent(&dataset.shape, &dataset.unlimited);
    let fill = match &dataset.fill {
        Fill::Value(bytes) => bytes.clone(),
        Fill::Text(text) => {
            let mut descriptor = Vec::new();
            heap.push(text.as_bytes())
                .put_descriptor(text.len() as u32, &mut descriptor);
            descriptor
        }
        Fill::Never | Fill::Default => Vec::new(),
    };
    header
        .dataset(dataset, &datatype, &dataspace, &fill, place)
        .map_err(too_large)?;
    let mut hidden = |name: &str, parts: &AttributeParts| header.attribute(name, parts).map_err(too_large);
    if !matches!(dataset.role, Role::BareDimension(_)) && !dataset.dimensions.is_empty() {
        let ids: Vec<i32> = dataset.dimensions.iter().map(|&id| id as i32).collect();
        hidden("_Netcdf4Coordinates", &numbers(&Values::Int32(ids)))?;
    }
    if let Role::BareDimension(id) | Role::Coordinate(id) = dataset.role {
        let (name, size) = plan
            .dimensions
            .get(id)
            .map_or(("", 0), |dim| (dim.name.as_str(), dim.size));
        let name = match dataset.role {
            Role::Coordinate(_) => name.to_owned(),
            _ => format!("This is a netCDF dimension but not a netCDF variable.{size:10}"),
        };
        hidden("CLASS", &terminated_text("DIMENSION_SCALE"))?;
        hidden("NAME", &terminated_text(&name))?;
        let id = datatype::element(karin_core::DType::Int32, false);
        let dataspace = datatype::scalar();
        let number = numbers(&Values::Int32(vec![dimension_number(dataset.role)]));
        hidden(
            "_Netcdf4Dimid",
            &AttributeParts {
                datatype: id,
                dataspace,
                data: number.data,
            },
        )?;
    }
    for (name, value) in dataset.attributes.iter() {
        put_attribute(&mut header, heap, &dataset.path, name, value)?;
    }
    match dataset.role {
        Role::Variable if !dataset.dimensions.is_empty() => {
            let list = dimension_list(plan, dataset, addresses, heap);
            header.attribute("DIMENSION_LIST", &list).map_err(too_large)?;
        }
        Role::BareDimension(id) | Role::Coordinate(id) => {
            if let Some(list) = reference_list(plan, id, addresses) {
                header.attribute("REFERENCE_LIST", &list).map_err(too_large)?;
            }
        }
        Role::Variable => {}
    }
    header.finish().map_err(too_large)
}

fn dimension_number(role: Role) -> i32 {
    match role {
        Role::BareDimension(id) | Role::Coordinate(id) => id as i32,
        Role::Variable => -1,
    }
}

/// For every dimension a reference to its scale.
fn dimension_list(
    plan: &FilePlan,
    dataset: &DatasetPlan,
    addresses: &Addresses,
    heap: &mut Heap,
) -> AttributeParts {
    let mut data = Vec::with_capacity(dataset.dimensions.len() * datatype::DESCRIPTOR);
    for &id in &dataset.dimensions {
        let scale = plan
            .dimensions
            .get(id)
            .and_then(|dimension| addresses.datasets.get(dimension.scale));
        let reference = scale.copied().unwrap_or(0);
        heap.push(&reference.to_le_bytes()).put_descriptor(1, &mut data);
    }
    let dataspace = datatype::list(dataset.dimensions.len());
    AttributeParts {
        datatype: datatype::reference_sequence(),
        dataspace,
        data,
    }
}

/// Who uses the dimension. `None` if nobody does, or more than fit into an attribute (over 4,000): readers find
/// the same from the other side.
fn reference_list(plan: &FilePlan, id: usize, addresses: &Addresses) -> Option<AttributeParts> {
    let uses = &plan.dimensions.get(id)?.uses;
    if uses.is_empty() || uses.len() * 16 + 256 > LARGEST {
        return None;
    }
    let mut data = Vec::with_capacity(uses.len() * 16);
    for &(dataset, axis) in uses {
        data.put_u64(addresses.datasets.get(dataset).copied().unwrap_or(0));
        data.put_u32(axis);
        data.put_u32(0);
    }
    Some(AttributeParts {
        datatype: datatype::scale_use(),
        dataspace: datatype::list(uses.len()),
        data,
    })
}

/// Text of a fixed size with its end marked, as the dimension scale specification wants it.
fn terminated_text(text: &str) -> AttributeParts {
    let mut data = text.as_bytes().to_vec();
    data.push(0);
    AttributeParts {
        datatype: datatype::text(data.len() as u32),
        dataspace: datatype::scalar(),
        data,
    }
}

fn numbers(values: &Values) -> AttributeParts {
    AttributeParts {
        datatype: datatype::element(values.dtype(), false),
        dataspace: datatype::list(values.len()),
        data: rules::little_endian(values.as_bytes(), values.dtype()),
    }
}

fn put_attribute(
    header: &mut Header,
    heap: &mut Heap,
    at: &str,
    name: &str,
    value: &AttrValue,
) -> Result<(), Fault> {
    let parts = match value {
        AttrValue::Text(text) => {
            let data = if text.is_empty() {
                vec![0]
            } else {
                text.as_bytes().to_vec()
            };
            AttributeParts {
                datatype: datatype::text(data.len() as u32),
                dataspace: datatype::scalar(),
                data,
            }
        }
        AttrValue::Array(values) if values.is_empty() => AttributeParts {
            datatype: datatype::element(values.dtype(), false),
            dataspace: datatype::null(),
            data: Vec::new(),
        },
        AttrValue::Array(Values::String(strings)) => {
            let mut data = Vec::with_capacity(strings.len() * datatype::DESCRIPTOR);
            for string in strings {
                heap.push(string.as_bytes())
                    .put_descriptor(string.len() as u32, &mut data);
            }
            AttributeParts {
                datatype: datatype::string(),
                dataspace: datatype::list(strings.len()),
                data,
            }
        }
        AttrValue::Array(values) => numbers(values),
    };
    header.attribute(name, &parts).map_err(|TooLarge(size)| {
        let at = if at.is_empty() {
            format!(":{name}")
        } else {
            format!("{at}:{name}")
        };
        Fault::limit(
            &at,
            format!("the attribute takes {size} bytes in the file, at most {LARGEST} are stored"),
        )
    })
}
