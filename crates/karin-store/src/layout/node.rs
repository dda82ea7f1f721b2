//! The groups and arrays of a layout as Zarr v3 metadata.

use karin_core::{DType, GroupMeta};
use serde_json::{Map, Value};

use super::{AXIS_CHUNK, ArrayLayout, FORMAT_VERSION, GroupLayout, Placement};
use crate::codec::ChunkCodec;
use crate::facts::{FACTS, bounds};
use crate::zarr_metadata::{self, ArrayMetadata};

/// A group or array that a collection has to have.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub path: String,
    pub kind: NodeKind,
    /// The content of its `zarr.json`.
    pub metadata: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Group,
    Array {
        shape: Vec<usize>,
        chunks: Vec<usize>,
        dimensions: Vec<String>,
    },
}

impl GroupLayout {
    /// Every node of the group for a cycle axis of that length, parents first.
    pub(crate) fn nodes(&self, cycles: usize) -> Vec<Node> {
        let structure = &self.blueprint.structure;
        let path = self.key.to_string();
        // Stock readers that open the collection as a whole look for its root.
        let mut nodes = vec![group("/", &Map::new())];
        let mut parent = String::new();
        for part in path.trim_start_matches('/').split('/') {
            parent = format!("{parent}/{part}");
            let attributes = if parent == path {
                self.group_attributes(structure)
            } else {
                Map::new()
            };
            nodes.push(group(&parent, &attributes));
        }
        for inner in &structure.groups {
            nodes.push(group(
                &format!("{path}/{}", inner.name),
                &zarr_metadata::attributes(&inner.attributes),
            ));
        }
        let granules = self.granules_path();
        let mut attributes = Map::new();
        attributes.insert(
            "karin_blueprint".into(),
            serde_json::to_value(&self.blueprint).unwrap_or_default(),
        );
        nodes.push(group(&granules, &attributes));
        for inner in &structure.groups {
            nodes.push(group(&format!("{granules}/{}", inner.name), &Map::new()));
        }
        let with_axes = self
            .arrays
            .iter()
            .filter_map(|array| array.array.rsplit_once('/').map(|(group, _)| group));
        let mut with_axes: Vec<String> = with_axes.map(str::to_owned).collect();
        with_axes.push(granules);
        with_axes.dedup();
        for group in with_axes {
            nodes.extend(self.axes(&group, cycles));
        }
        for array in &self.arrays {
            nodes.push(self.array_node(array, false, cycles));
            if array.own_array.is_some() {
                nodes.push(self.array_node(array, true, cycles));
            }
        }
        nodes.extend(self.fact_nodes(cycles));
        nodes.push(self.grid_state_node());
        nodes.extend(self.latitude_bounds_node());
        nodes
    }

    /// Global attributes that hold for all granules.
    fn group_attributes(&self, structure: &GroupMeta) -> Map<String, Value> {
        let varying = &self.blueprint.varying_attributes;
        let common = structure
            .attributes
            .iter()
            .filter(|(name, _)| !varying.iter().any(|other| other == name));
        let mut attributes: Map<String, Value> = common
            .map(|(name, value)| (name.to_owned(), zarr_metadata::attribute(value)))
            .collect();
        attributes.insert("karin_format".into(), FORMAT_VERSION.into());
        attributes.insert("karin_profile".into(), self.blueprint.profile.name().into());
        attributes
    }

    fn axes(&self, group: &str, cycles: usize) -> [Node; 2] {
        let passes = usize::from(self.key.phase.pass_count());
        let axis = |name: &str, length: usize, long_name: &str| {
            let mut attributes = Map::new();
            attributes.insert("long_name".into(), long_name.into());
            let codec = ChunkCodec::plain(DType::Int16, AXIS_CHUNK);
            array(ArrayNode {
                path: format!("{group}/{name}"),
                shape: vec![length],
                chunks: vec![AXIS_CHUNK],
                dimensions: vec![name.to_owned()],
                dtype: DType::Int16,
                fill: 0.into(),
                codec,
                attributes,
            })
        };
        [
            axis("cycle_number", cycles, "cycle number"),
            axis("pass_number", passes, "pass number (half orbit)"),
        ]
    }

    fn array_node(&self, layout: &ArrayLayout, own: bool, cycles: usize) -> Node {
        let passes = usize::from(self.key.phase.pass_count());
        let (mut shape, mut dimensions) = match (layout.placement, own) {
            (Placement::Granule, _) | (_, true) => {
                (vec![cycles, passes], vec!["cycle_number", "pass_number"])
            }
            (Placement::Pass, false) => (vec![passes], vec!["pass_number"]),
            (Placement::Group, false) => (Vec::new(), Vec::new()),
        };
        let mut chunks = vec![1; shape.len()];
        shape.extend(&layout.tail);
        chunks.extend(layout.tail.iter().enumerate().map(|(axis, &size)| match axis {
            0 => layout.chunk_rows,
            _ => size,
        }));
        dimensions.extend(layout.dimensions.iter().map(String::as_str));
        let variable = self.blueprint.structure.variable(&layout.variable);
        let mut attributes = variable
            .map(|variable| zarr_metadata::attributes(&variable.attributes))
            .unwrap_or_default();
        attributes.insert(
            "_FillValue".into(),
            zarr_metadata::fill_attribute(layout.dtype, &layout.fill),
        );
        let path = if own {
            layout.own_array.clone().unwrap_or_default()
        } else {
            layout.array.clone()
        };
        array(ArrayNode {
            path,
            shape,
            chunks,
            dimensions: dimensions.into_iter().map(str::to_owned).collect(),
            dtype: layout.dtype,
            fill: zarr_metadata::fill_value(layout.dtype, &layout.fill),
            codec: layout.codec,
            attributes,
        })
    }

    fn grid_state_node(&self) -> Node {
        let mut attributes = Map::new();
        let about = "coordinates of the pass: 0 none yet, 1 of parts of granules, 2 of a whole granule";
        attributes.insert("long_name".into(), about.into());
        array(ArrayNode {
            path: self.grid_state_path(),
            shape: vec![usize::from(self.key.phase.pass_count())],
            chunks: vec![1],
            dimensions: vec!["pass_number".to_owned()],
            dtype: DType::UInt8,
            fill: 0.into(),
            codec: ChunkCodec::plain(DType::UInt8, 1),
            attributes,
        })
    }

    /// Bounds of the latitudes of a pass; collections that are older have none until something is added.
    pub(crate) fn latitude_bounds_node(&self) -> Option<Node> {
        let blocks = bounds::blocks(self.shared_latitude()?.rows());
        let mut attributes = Map::new();
        let about = format!(
            "least and greatest latitude of every {} lines of the pass, rounded outwards",
            bounds::LINES
        );
        attributes.insert("long_name".into(), about.into());
        attributes.insert("units".into(), "degrees_north".into());
        attributes.insert("scale_factor".into(), (1.0 / bounds::PER_DEGREE).into());
        Some(array(ArrayNode {
            path: self.latitude_bounds_path(),
            shape: vec![usize::from(self.key.phase.pass_count()), blocks, 2],
            chunks: vec![1, blocks, 2],
            dimensions: ["pass_number", "line_block", "bound"].map(str::to_owned).to_vec(),
            dtype: DType::Int16,
            fill: 0.into(),
            codec: bounds::codec(blocks),
            attributes,
        }))
    }

    fn fact_nodes(&self, cycles: usize) -> Vec<Node> {
        let passes = usize::from(self.key.phase.pass_count());
        let granules = self.granules_path();
        let counts = self.counts.iter().map(|count| {
            let about = format!("true length of {} of the granule", count.dimension);
            (count.fact.as_str(), DType::UInt32, None, about)
        });
        let facts = FACTS
            .iter()
            .map(|fact| (fact.name, fact.dtype, fact.tail, fact.about.to_owned()));
        let nodes = facts.chain(counts).map(|(name, dtype, tail, about)| {
            let mut attributes = Map::new();
            attributes.insert("long_name".into(), about.into());
            let (mut shape, mut chunks) = (vec![cycles, passes], vec![1, 1]);
            let mut dimensions = vec!["cycle_number".to_owned(), "pass_number".to_owned()];
            if let Some(tail) = tail {
                shape.push(tail.length);
                chunks.push(tail.chunk);
                dimensions.push(tail.dimension.to_owned());
            }
            let codec = match tail {
                Some(tail) if tail.compressed => {
                    ChunkCodec::new(crate::codec::Profile::Portable, dtype, tail.chunk, 1)
                }
                Some(tail) => ChunkCodec::plain(dtype, tail.chunk),
                None => ChunkCodec::plain(dtype, 1),
            };
            let path = format!("{granules}/{name}");
            array(ArrayNode {
                path,
                shape,
                chunks,
                dimensions,
                dtype,
                fill: 0.into(),
                codec,
                attributes,
            })
        });
        nodes.collect()
    }
}

fn group(path: &str, attributes: &Map<String, Value>) -> Node {
    Node {
        path: path.to_owned(),
        kind: NodeKind::Group,
        metadata: zarr_metadata::group(attributes),
    }
}

struct ArrayNode {
    path: String,
    shape: Vec<usize>,
    chunks: Vec<usize>,
    dimensions: Vec<String>,
    dtype: DType,
    fill: Value,
    codec: ChunkCodec,
    attributes: Map<String, Value>,
}

fn array(node: ArrayNode) -> Node {
    let metadata = ArrayMetadata {
        shape: &node.shape,
        chunks: &node.chunks,
        dimensions: &node.dimensions,
        dtype: node.dtype,
        fill_value: node.fill,
        codecs: node.codec.to_zarr(node.shape.len()),
        attributes: node.attributes,
    }
    .into_json();
    let kind = NodeKind::Array {
        shape: node.shape,
        chunks: node.chunks,
        dimensions: node.dimensions,
    };
    Node {
        path: node.path,
        kind,
        metadata,
    }
}
