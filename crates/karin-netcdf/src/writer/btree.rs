//! The index of chunks: version 1 B-trees of node type 1 (HDF5 file format specification, III.A.1), which every HDF5
//! since 1.0 reads. Nodes have the default capacity of 64 children and their full size, however many are used.

use super::bytes::{Put, UNDEFINED};

const CAPACITY: usize = 64;

/// A stored chunk.
#[derive(Clone, Debug)]
pub(super) struct StoredChunk {
    /// First element along every dimension.
    pub(super) start: Vec<u64>,
    /// Where its bytes lie.
    pub(super) address: u64,
    /// How many there are.
    pub(super) len: u32,
}

/// A child of a node: the key to its left, and where it lies.
struct Child {
    key: Vec<u8>,
    address: u64,
}

fn key(len: u32, start: &[u64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + start.len() * 8);
    out.put_u32(len);
    out.put_u32(0);
    for &index in start {
        out.put_u64(index);
    }
    out.put_u64(0);
    out
}

/// The tree over `chunks` (in row-major order of their starts), to lie at `address`: its bytes, and where its root is.
/// `None` without chunks.
pub(super) fn encode(chunks: &[StoredChunk], chunk_shape: &[u64], address: u64) -> Option<(Vec<u8>, u64)> {
    let last = chunks.last()?;
    let beyond: Vec<u64> = last
        .start
        .iter()
        .zip(chunk_shape)
        .map(|(start, size)| start + size)
        .collect();
    let end_key = key(0, &beyond);
    let mut children: Vec<Child> = chunks
        .iter()
        .map(|chunk| Child {
            key: key(chunk.len, &chunk.start),
            address: chunk.address,
        })
        .collect();
    let node_size = (24 + CAPACITY * 8 + (CAPACITY + 1) * end_key.len()) as u64;
    let mut bytes = Vec::new();
    let mut level = 0;
    loop {
        let first = address + bytes.len() as u64;
        let nodes = children.len().div_ceil(CAPACITY);
        let mut parents = Vec::with_capacity(nodes);
        for (index, group) in children.chunks(CAPACITY).enumerate() {
            let at = first + index as u64 * node_size;
            let siblings = [
                if index == 0 { UNDEFINED } else { at - node_size },
                if index + 1 == nodes {
                    UNDEFINED
                } else {
                    at + node_size
                },
            ];
            let right = children
                .get((index + 1) * CAPACITY)
                .map_or(&end_key, |next| &next.key);
            let node = encode_node(level, group, siblings, right);
            bytes.extend_from_slice(&node);
            bytes.resize((at - address + node_size) as usize, 0);
            parents.push(Child {
                key: group.first().map(|child| child.key.clone()).unwrap_or_default(),
                address: at,
            });
        }
        if nodes == 1 {
            return Some((bytes, first));
        }
        children = parents;
        level += 1;
    }
}

fn encode_node(level: u8, children: &[Child], siblings: [u64; 2], right_key: &[u8]) -> Vec<u8> {
    let mut node = b"TREE\x01".to_vec();
    node.put_u8(level);
    node.put_u16(children.len() as u16);
    for sibling in siblings {
        node.put_u64(sibling);
    }
    for child in children {
        node.extend_from_slice(&child.key);
        node.put_u64(child.address);
    }
    node.extend_from_slice(right_key);
    node
}
