//! Small arrays, written through a repository.

use bytes::Bytes;
use icechunk::format::manifest::{ChunkPayload, ChunkRef};
use icechunk::format::snapshot::ArrayShape;
use icechunk::format::{ByteRange, ChunkId, ChunkIndices, Path};
use icechunk::session::Session;
use karin_store::Repository;

/// A one-dimensional array of `chunks` chunks of 4 bytes.
pub fn add_array(repository: &Repository, session: &mut Session, path: &str, chunks: u32) {
    repository.block_on(add_array_to(session, path, chunks));
}

/// The same for a session without karin's repository.
pub async fn add_array_to(session: &mut Session, path: &str, chunks: u32) {
    let length = u64::from(chunks) * 4;
    let document = format!(
        r#"{{"zarr_format":3,"node_type":"array","shape":[{length}],"data_type":"uint8","chunk_grid":{{"name":"regular",
        "configuration":{{"chunk_shape":[4]}}}},"chunk_key_encoding":{{"name":"default"}},"fill_value":0,
        "codecs":[{{"name":"bytes"}}],"dimension_names":["cycle_number"]}}"#
    );
    let shape = ArrayShape::new([(length, chunks)]).expect("shape");
    let names = Some(vec!["cycle_number".into()]);
    let path = Path::new(path).expect("path");
    session
        .add_array(path, shape, names, Bytes::from(document))
        .await
        .expect("add array");
}

/// Points chunk `index` of an array to bytes of a written object.
pub fn set_chunk(repository: &Repository, session: &mut Session, path: &str, index: u32, chunk: &ChunkRef) {
    let path = Path::new(path).expect("path");
    let payload = Some(ChunkPayload::Ref(chunk.clone()));
    repository
        .block_on(session.set_chunk_ref(path, ChunkIndices(vec![index]), payload))
        .expect("set chunk");
}

/// The bytes of a chunk as Icechunk reads them.
pub fn chunk(repository: &Repository, session: &Session, path: &str, index: u32) -> Option<Bytes> {
    repository.block_on(async {
        let path = Path::new(path).expect("path");
        let reader = session
            .get_chunk_reader(&path, &ChunkIndices(vec![index]), &ByteRange::ALL)
            .await;
        match reader.expect("a reader") {
            Some(bytes) => Some(bytes.await.expect("bytes")),
            None => None,
        }
    })
}

/// Writes `chunks` into one object and commits them from index `first` on, creating the array of `length` chunks if it
/// is not there.
pub fn commit_chunks(
    repository: &Repository,
    path: &str,
    length: u32,
    first: u32,
    chunks: &[&[u8]],
) -> ChunkId {
    let mut writer = repository.object_writer().expect("writer");
    let references: Vec<_> = chunks
        .iter()
        .map(|bytes| writer.push(*bytes).expect("push"))
        .collect();
    let object = writer.finish().expect("finish");
    let committed = repository.transact(&format!("{} chunks", chunks.len()), |session| {
        let node = repository.block_on(session.get_array(&Path::new(path).expect("path")));
        if node.is_err() {
            add_array(repository, session, path, length);
        }
        for (index, reference) in (first..).zip(&references) {
            set_chunk(repository, session, path, index, reference);
        }
        Ok(((), [("chunks".to_owned(), chunks.len().into())].into()))
    });
    assert!(committed.expect("commit").changed);
    object.id
}
