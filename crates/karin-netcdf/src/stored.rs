//! The chunks of a variable as others may refer to them: where each lies, and how it is encoded.

use karin_core::{StoredChunk, StoredChunks};

use crate::NcFile;
use crate::chunks::Chunk;
use crate::decode::fill;
use crate::fault::Fault;
use crate::filters::Filter;
use crate::layout::{Layout, TextKind, Variable};

impl NcFile {
    /// Where the values of a variable lie, if that is in deflated chunks of little-endian numbers alone.
    pub(crate) fn stored_of(&self, variable: &Variable) -> Result<StoredChunks, Fault> {
        let (shuffle, deflate) = encoding(variable)?;
        let Some(index) = self.index_of(variable)? else {
            return Err(Fault::unsupported("values that lie in one piece, without chunks"));
        };
        let mut cell = vec![0; index.grid().len()];
        let mut chunks = Vec::with_capacity(index.chunks().len());
        for chunk in index.chunks() {
            index.locate(chunk, &mut cell);
            chunks.push(self.stored_chunk(chunk, &cell)?);
        }
        Ok(StoredChunks {
            shape: index.chunk_shape().to_vec(),
            shuffle,
            deflate,
            chunks,
            absent: (!index.is_complete()).then(|| element_of(variable)),
        })
    }

    fn stored_chunk(&self, chunk: &Chunk, cell: &[usize]) -> Result<StoredChunk, Fault> {
        if chunk.filter_mask != 0 {
            return Err(Fault::unsupported(format!(
                "the chunk at {cell:?}, which is stored without all of its filters"
            )));
        }
        let range = chunk.range(self.base());
        if range.end > self.len() {
            return Err(Fault::corrupt(format!(
                "the chunk at {cell:?} reaches past the end of the file"
            )));
        }
        Ok(StoredChunk {
            cell: cell.to_vec(),
            offset: range.start,
            length: chunk.size,
        })
    }
}

/// Whether the elements are shuffled, and the level of deflate.
fn encoding(variable: &Variable) -> Result<(bool, u8), Fault> {
    if variable.text != TextKind::None {
        return Err(Fault::unsupported("strings"));
    }
    if variable.extent != variable.shape {
        return Err(Fault::unsupported(format!(
            "a variable {:?} of which {:?} is stored",
            variable.shape, variable.extent
        )));
    }
    if variable.swap == cfg!(target_endian = "little") && variable.element_size > 1 {
        return Err(Fault::unsupported("big-endian numbers"));
    }
    match (&variable.layout, variable.filters.as_slice()) {
        (Layout::Chunked { .. }, [Filter::Deflate(level)]) => Ok((false, *level)),
        (Layout::Chunked { .. }, [Filter::Shuffle, Filter::Deflate(level)]) => Ok((true, *level)),
        (Layout::Chunked { .. }, []) => Err(Fault::unsupported("chunks that are not compressed")),
        (Layout::Chunked { .. }, filters) => Err(Fault::unsupported(format!(
            "the filters {}",
            filters.iter().map(name).collect::<Vec<_>>().join(", ")
        ))),
        _ => Err(Fault::unsupported("values that lie in one piece, without chunks")),
    }
}

fn name(filter: &Filter) -> String {
    match filter {
        Filter::Shuffle => "shuffle".to_owned(),
        Filter::Deflate(level) => format!("deflate {level}"),
        Filter::Fletcher32 => "fletcher32".to_owned(),
        Filter::Rare(description) => format!("HDF5 filter {}", description.id),
        Filter::Unknown(name) => name.clone(),
    }
}

fn element_of(variable: &Variable) -> Vec<u8> {
    let mut element = vec![0; variable.element_size];
    fill(&mut element, &variable.fill);
    element
}
