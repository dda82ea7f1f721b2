//! The members of a group, in the order in which they were made.

use hdf5_reader::Hdf5File;
use hdf5_reader::btree_v1;
use hdf5_reader::io::Cursor;
use hdf5_reader::local_heap::LocalHeap;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::link::{self, LinkMessage, LinkTarget};
use hdf5_reader::messages::link_info::LinkInfoMessage;
use hdf5_reader::messages::symbol_table_msg::SymbolTableMessage;
use hdf5_reader::object_header::ObjectHeader;
use hdf5_reader::symbol_table::SymbolTableNode;

use super::Sizes;
use super::dense::{for_each_object, for_named_links};
use super::scout::Walking;
use crate::fault::Fault;

/// A member of a group.
pub(super) struct Child {
    pub(super) name: String,
    /// Address of its object header.
    pub(super) address: u64,
}

/// The members of the group with that header, `only` those of these names, when walking onward those that can be read. Links that
/// lead nowhere, and links to other files, are left out.
pub(super) fn children(
    file: &Hdf5File,
    walking: Walking,
    sizes: Sizes,
    header: &ObjectHeader,
    only: Option<&[String]>,
) -> Result<Vec<Child>, Fault> {
    let mut children = all_children(file, walking, sizes, header, only)?;
    if let Some(names) = only {
        children.retain(|child| names.contains(&child.name));
    }
    Ok(children)
}

/// The same, where names cannot be looked up with others.
fn all_children(
    file: &Hdf5File,
    walking: Walking,
    sizes: Sizes,
    header: &ObjectHeader,
    only: Option<&[String]>,
) -> Result<Vec<Child>, Fault> {
    let mut links = Vec::new();
    for message in &header.messages {
        match message {
            HdfMessage::SymbolTable(table) => return symbol_table(file, sizes, table),
            HdfMessage::Link(link) => links.push(link.clone()),
            HdfMessage::LinkInfo(info) if !sizes.is_undefined(info.fractal_heap_address) => {
                let read = dense(file, sizes, info, only, &mut links);
                if walking == Walking::Strictly {
                    read?;
                }
            }
            _ => {}
        }
    }
    // netCDF lists in creation order; files that do not track it list by name, as their index does.
    if links.iter().all(|link| link.creation_order.is_some()) {
        links.sort_by_key(|link| link.creation_order);
    } else {
        links.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let mut found = Vec::with_capacity(links.len());
    for LinkMessage { name, target, .. } in links {
        match target {
            LinkTarget::Hard { address } => found.push(Child { name, address }),
            LinkTarget::Soft { path } => {
                found.extend(soft(file, &path).map(|address| Child { name, address }))
            }
            LinkTarget::External { .. } => {}
        }
    }
    Ok(found)
}

/// The object at an absolute path.
fn soft(file: &Hdf5File, path: &str) -> Option<u64> {
    let absolute = path.starts_with('/').then_some(path)?;
    file.dataset(absolute)
        .map(|dataset| dataset.address())
        .or_else(|_| file.group(absolute).map(|group| group.address()))
        .ok()
}

fn dense(
    file: &Hdf5File,
    sizes: Sizes,
    info: &LinkInfoMessage,
    only: Option<&[String]>,
    links: &mut Vec<LinkMessage>,
) -> Result<(), Fault> {
    let places = (info.fractal_heap_address, info.btree_name_index_address);
    let each = |bytes: &[u8]| {
        let link = link::parse(&mut Cursor::new(bytes), sizes.offset, sizes.length, bytes.len())?;
        links.push(link);
        Ok(())
    };
    match only {
        Some(names) => for_named_links(file.storage(), sizes, places, names, each),
        None => for_each_object(file.storage(), sizes, places, each),
    }
}

/// The members of a group of the old kind, by name.
fn symbol_table(file: &Hdf5File, sizes: Sizes, table: &SymbolTableMessage) -> Result<Vec<Child>, Fault> {
    let storage = file.storage();
    let heap = LocalHeap::parse_at_storage(storage, table.heap_address, sizes.offset, sizes.length)?;
    let leaves = btree_v1::collect_btree_v1_leaves_storage(
        storage,
        table.btree_address,
        sizes.offset,
        sizes.length,
        None,
        &[],
        None,
    )?;
    let mut found = Vec::new();
    for (_, node_address) in leaves {
        let prefix = storage.read_range(node_address, 8)?;
        let symbols = prefix
            .get(6..8)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u16::from_le_bytes);
        let node_len = 8 + usize::from(symbols) * (2 * usize::from(sizes.offset) + 24);
        let bytes = storage.read_range(node_address, node_len)?;
        let node = SymbolTableNode::parse(&mut Cursor::new(&bytes), sizes.offset, sizes.length)?;
        for entry in node.entries {
            let name = heap.get_string_storage(entry.link_name_offset, storage)?;
            if entry.cache_type == 2 {
                let [a, b, c, d, ..] = entry.scratch;
                let path = heap.get_string_storage(u64::from(u32::from_le_bytes([a, b, c, d])), storage)?;
                found.extend(soft(file, &path).map(|address| Child { name, address }));
            } else {
                found.push(Child {
                    name,
                    address: entry.object_header_address,
                });
            }
        }
    }
    Ok(found)
}
