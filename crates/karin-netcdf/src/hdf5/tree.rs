//! All groups and datasets of a file, as HDF5 describes them.

use hdf5_reader::Hdf5File;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::attribute::AttributeMessage;
use hdf5_reader::messages::dataspace::{DataspaceMessage, DataspaceType};
use hdf5_reader::messages::layout::DataLayout;
use hdf5_reader::object_header::ObjectHeader;
use karin_core::Attributes;

use super::scout::Walking;
use super::strings::{Heaps, fixed_text};
use super::types::{ElementType, element_type};
use super::{ChunkLocator, Sizes, attributes, links};
use crate::Limits;
use crate::fault::Fault;
use crate::filters::Filter;
use crate::layout::TextKind;

/// A group with the datasets in it.
pub(super) struct RawGroup {
    pub(super) name: String,
    /// `""` for the root, `"left"`, `"data_01/ku"`.
    pub(super) path: String,
    pub(super) parent: Option<usize>,
    pub(super) attributes: Attributes,
    pub(super) datasets: Vec<RawDataset>,
}

/// A dataset: a variable, a dimension, or both.
pub(super) struct RawDataset {
    pub(super) name: String,
    pub(super) address: u64,
    /// The type, or why there is none.
    pub(super) element: Result<ElementType, String>,
    pub(super) extent: Vec<u64>,
    pub(super) max_extent: Option<Vec<u64>>,
    pub(super) attributes: Attributes,
    pub(super) marks: Marks,
    pub(super) filters: Vec<Filter>,
    pub(super) place: Place,
    /// The fill value of the file, if one is defined.
    pub(super) fill: Option<Vec<u8>>,
}

/// What the attributes that netCDF programs hide say.
#[derive(Default)]
pub(super) struct Marks {
    /// It defines a dimension.
    pub(super) is_scale: bool,
    /// It defines a dimension and is no variable.
    pub(super) is_bare: bool,
    pub(super) dimension_id: Option<i64>,
    /// Ids of the dimensions of a coordinate variable.
    pub(super) coordinates: Vec<i64>,
    /// Address of the dimension scale of each axis.
    pub(super) scales: Vec<Option<u64>>,
}

/// Where the values are.
pub(super) enum Place {
    Absent,
    Compact(Vec<u8>),
    Contiguous(u64),
    Chunked(ChunkLocator),
}

/// Attributes that only describe how netCDF-4 lies in HDF5.
const HIDDEN: [&str; 8] = [
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_NCProperties",
    "_nc3_strict",
];

const BARE_DIMENSION: &str = "This is a netCDF dimension but not a netCDF variable";

/// All groups, parents before their members; of the root `only` the members of these names.
pub(super) fn walk(
    file: &Hdf5File,
    walking: Walking,
    sizes: Sizes,
    limits: &Limits,
    only: Option<&[String]>,
) -> Result<Vec<RawGroup>, Fault> {
    let mut walk = Walk {
        file,
        walking,
        sizes,
        limits,
        only,
        heaps: Heaps::new(file.storage(), sizes),
        groups: Vec::new(),
        objects: 0,
        ancestors: Vec::new(),
    };
    let root = file.superblock().root_object_header_address()?;
    walk.group(root, "", None)?;
    Ok(walk.groups)
}

struct Walk<'a> {
    file: &'a Hdf5File,
    walking: Walking,
    sizes: Sizes,
    limits: &'a Limits,
    /// Names of the members of the root that are wanted.
    only: Option<&'a [String]>,
    heaps: Heaps<'a>,
    groups: Vec<RawGroup>,
    objects: usize,
    /// Addresses of the groups that the present one is in.
    ancestors: Vec<u64>,
}

impl Walk<'_> {
    fn group(&mut self, address: u64, name: &str, parent: Option<usize>) -> Result<(), Fault> {
        if self.ancestors.contains(&address) {
            return Err(Fault::corrupt(format!("group {name:?} lies in itself")));
        }
        if self.ancestors.len() >= self.limits.group_depth {
            let allowed = self.limits.group_depth;
            return Err(Fault::corrupt(format!(
                "groups lie in each other more than {allowed} deep"
            )));
        }
        let header = self.file.get_or_parse_header(address)?;
        let messages = attributes::messages(self.file.storage(), self.sizes, address, &header);
        let mut messages = self.past(messages)?.unwrap_or_default();
        messages.retain(|message| !HIDDEN.contains(&message.name.as_str()));
        let attributes = self.values(&messages);
        let path = match parent.and_then(|parent| self.groups.get(parent)) {
            Some(parent) if !parent.path.is_empty() => format!("{}/{name}", parent.path),
            _ => name.to_owned(),
        };
        let group = RawGroup {
            name: name.to_owned(),
            path,
            parent,
            attributes: self.past(attributes)?.unwrap_or_default(),
            datasets: Vec::new(),
        };
        let this = self.groups.len();
        self.groups.push(group);
        self.ancestors.push(address);
        let mut inner = Vec::new();
        let only = self.only.filter(|_| parent.is_none());
        let children = links::children(self.file, self.walking, self.sizes, &header, only)?;
        for child in children {
            self.objects += 1;
            if self.objects > self.limits.objects {
                return Err(Fault::TooLarge {
                    needed: self.objects as u64,
                    allowed: self.limits.objects as u64,
                });
            }
            let is_group = self.member(this, &child);
            if self.past(is_group)?.unwrap_or_default() {
                inner.push(child);
            }
        }
        for child in inner {
            let depth = self.ancestors.len();
            let walked = self.group(child.address, &child.name, Some(this));
            self.ancestors.truncate(depth);
            self.past(walked)?;
        }
        self.ancestors.pop();
        Ok(())
    }

    /// Reads a member of the group with that index; true if it is a group itself.
    fn member(&mut self, group: usize, child: &links::Child) -> Result<bool, Fault> {
        let header = self.file.get_or_parse_header(child.address)?;
        match kind(&header) {
            Kind::Group => return Ok(true),
            Kind::Dataset => {
                let dataset = self.dataset(child.name.clone(), child.address, &header)?;
                self.groups[group].datasets.push(dataset);
            }
            Kind::Other => {}
        }
        Ok(false)
    }

    /// `None` for what cannot be read, if the walk goes on past that.
    fn past<T>(&self, result: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match self.walking {
            Walking::Strictly => result.map(Some),
            Walking::Onward => Ok(result.ok()),
        }
    }

    fn values(&mut self, messages: &[AttributeMessage]) -> Result<Attributes, Fault> {
        let mut values = Attributes::new();
        for message in messages {
            if let Some(value) = attributes::value(message, &mut self.heaps)? {
                values.set(message.name.clone(), value);
            }
        }
        Ok(values)
    }

    fn dataset(&mut self, name: String, address: u64, header: &ObjectHeader) -> Result<RawDataset, Fault> {
        let mut space: Option<&DataspaceMessage> = None;
        let (mut datatype, mut layout, mut fill, mut external) = (None, None, None, false);
        let mut filters = Vec::new();
        for message in &header.messages {
            match message {
                HdfMessage::Dataspace(found) => space = Some(found),
                HdfMessage::Datatype(found) => datatype = Some(found),
                HdfMessage::DataLayout(found) => layout = Some(&found.layout),
                // A header may hold the old kind of fill value as well; the one that says more wins.
                HdfMessage::FillValue(found) => fill = found.value.as_ref().or(fill),
                HdfMessage::FilterPipeline(found) => filters = found.filters.iter().map(Filter::of).collect(),
                HdfMessage::ExternalFiles(_) => external = true,
                _ => {}
            }
        }
        let missing = |what: &str| Fault::corrupt(format!("dataset {name:?} has no {what}"));
        let space = space.ok_or_else(|| missing("dataspace"))?;
        let datatype = datatype.ok_or_else(|| missing("datatype"))?;
        let layout = layout.ok_or_else(|| missing("layout"))?;
        let mut element = element_type(&datatype.datatype, datatype.size);
        if space.dataspace_type == DataspaceType::Null {
            element = Err("a null dataspace".into());
        }
        let descriptor = self.heaps.descriptor_len();
        if element
            .as_ref()
            .is_ok_and(|element| element.text == TextKind::Variable && element.size != descriptor)
        {
            return Err(Fault::corrupt(format!(
                "dataset {name:?} has strings of {} bytes",
                datatype.size
            )));
        }
        if external {
            element = Err("data in another file".into());
        }
        let place = self.place(&name, layout, space, !filters.is_empty())?;
        let mut messages = attributes::messages(self.file.storage(), self.sizes, address, header)?;
        let marks = self.marks(&messages, space.dims.len())?;
        messages.retain(|message| !HIDDEN.contains(&message.name.as_str()));
        Ok(RawDataset {
            attributes: self.values(&messages)?,
            name,
            address,
            element,
            extent: space.dims.clone(),
            max_extent: space.max_dims.clone(),
            marks,
            filters,
            place,
            fill: fill.cloned(),
        })
    }

    fn place(
        &self,
        name: &str,
        layout: &DataLayout,
        space: &DataspaceMessage,
        filtered: bool,
    ) -> Result<Place, Fault> {
        Ok(match layout {
            DataLayout::Compact { data } => Place::Compact(data.clone()),
            DataLayout::Contiguous { address, .. } if self.sizes.is_undefined(*address) => Place::Absent,
            DataLayout::Contiguous { address, .. } => Place::Contiguous(*address),
            DataLayout::Chunked {
                address,
                dims,
                chunk_indexing,
                ..
            } => {
                let chunk_shape = dims
                    .get(..space.dims.len())
                    .filter(|shape| !shape.is_empty() && !shape.contains(&0));
                let chunk_shape = chunk_shape.ok_or_else(|| {
                    Fault::corrupt(format!("dataset {name:?} has chunks of shape {dims:?}"))
                })?;
                Place::Chunked(ChunkLocator {
                    sizes: self.sizes,
                    address: Some(*address).filter(|address| !self.sizes.is_undefined(*address)),
                    chunk_shape: chunk_shape.to_vec(),
                    indexing: chunk_indexing.clone(),
                    max_extent: space.max_dims.clone(),
                    filtered,
                })
            }
        })
    }

    fn marks(&mut self, messages: &[AttributeMessage], rank: usize) -> Result<Marks, Fault> {
        let mut marks = Marks::default();
        for message in messages {
            match message.name.as_str() {
                "CLASS" => marks.is_scale = fixed_text(&message.raw_data) == "DIMENSION_SCALE" && rank > 0,
                "NAME" => marks.is_bare = message.raw_data.starts_with(BARE_DIMENSION.as_bytes()),
                "_Netcdf4Dimid" => marks.dimension_id = self.integers(message)?.first().copied(),
                "_Netcdf4Coordinates" => marks.coordinates = self.integers(message)?,
                "DIMENSION_LIST" => {
                    let len = self.heaps.descriptor_len();
                    for descriptor in message.raw_data.chunks_exact(len).take(rank) {
                        let references = self.heaps.resolve(descriptor, 8)?;
                        let first = references
                            .first_chunk::<8>()
                            .map(|bytes| u64::from_le_bytes(*bytes));
                        marks.scales.push(first);
                    }
                }
                _ => {}
            }
        }
        marks.is_bare &= marks.is_scale;
        Ok(marks)
    }

    fn integers(&mut self, message: &AttributeMessage) -> Result<Vec<i64>, Fault> {
        let numbers = attributes::value(message, &mut self.heaps)?.and_then(|value| value.to_f64s());
        Ok(numbers
            .unwrap_or_default()
            .into_iter()
            .map(|number| number as i64)
            .collect())
    }
}

enum Kind {
    Group,
    Dataset,
    Other,
}

fn kind(header: &ObjectHeader) -> Kind {
    let has = |wanted: fn(&HdfMessage) -> bool| header.messages.iter().any(wanted);
    let is_group = has(|message| {
        matches!(
            message,
            HdfMessage::SymbolTable(_)
                | HdfMessage::Link(_)
                | HdfMessage::LinkInfo(_)
                | HdfMessage::GroupInfo(_)
        )
    });
    if is_group {
        Kind::Group
    } else if has(|message| matches!(message, HdfMessage::Dataspace(_) | HdfMessage::DataLayout(_))) {
        Kind::Dataset
    } else {
        // A named datatype: netCDF has no such object that holds values.
        Kind::Other
    }
}
