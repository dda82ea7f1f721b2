//! Opening, committing and reading back at the level of the repository.

use bytes::Bytes;
use icechunk::format::manifest::ChunkPayload;
use icechunk::format::snapshot::ArrayShape;
use icechunk::format::{ByteRange, ChunkIndices, Path};
use icechunk::session::Session;
use karin_store::{CreateOptions, Repository, StoreError, StoreOptions};

/// A one-dimensional array of `chunks` chunks of 4 bytes.
fn add_array(repository: &Repository, session: &mut Session, path: &str, chunks: u32) {
    let length = u64::from(chunks) * 4;
    let document = format!(
        r#"{{"zarr_format":3,"node_type":"array","shape":[{length}],"data_type":"uint8","chunk_grid":{{"name":"regular",
        "configuration":{{"chunk_shape":[4]}}}},"chunk_key_encoding":{{"name":"default"}},"fill_value":0,
        "codecs":[{{"name":"bytes"}}],"dimension_names":["cycle_number"]}}"#
    );
    let shape = ArrayShape::new([(length, chunks)]).expect("shape");
    let names = Some(vec!["cycle_number".into()]);
    repository
        .block_on(session.add_array(
            Path::new(path).expect("path"),
            shape,
            names,
            Bytes::from(document),
        ))
        .expect("add array");
}

#[test]
fn packed_chunks_survive_a_commit_on_every_kind_of_storage() {
    let folder = tempfile::tempdir().expect("folder");
    for location in [
        folder.path().join("c").to_str().expect("utf-8"),
        "memory://packed",
    ] {
        let options = StoreOptions::default();
        assert!(
            matches!(
                Repository::open(location, &options),
                Err(StoreError::NotACollection { .. })
            ),
            "{location}"
        );
        let repository = Repository::create(location, &options, &CreateOptions::default()).expect(location);
        let mut writer = repository.object_writer().expect(location);
        let references = [
            writer.push(b"abcd").expect(location),
            writer.push(b"efgh").expect(location),
        ];
        let object = writer.finish().expect(location);
        assert_eq!((object.length, references[1].offset), (8, 4));
        let path = Path::new("/a").expect("path");
        let committed = repository
            .transact("two chunks", |session| {
                add_array(&repository, session, "/a", 2);
                for (index, reference) in (0u32..).zip(&references) {
                    let payload = Some(ChunkPayload::Ref(reference.clone()));
                    let chunk = ChunkIndices(vec![index]);
                    repository
                        .block_on(session.set_chunk_ref(path.clone(), chunk, payload))
                        .expect(location);
                }
                Ok(((), Default::default()))
            })
            .expect(location);
        assert!(committed.changed);
        let reopened = Repository::open(
            location,
            &StoreOptions {
                read_only: true,
                ..options
            },
        )
        .expect(location);
        assert_eq!(reopened.tip().expect(location), committed.snapshot);
        let session = reopened.read_session(&committed.snapshot).expect(location);
        let read = reopened.block_on(async {
            let index = ChunkIndices(vec![1]);
            let reader = session
                .get_chunk_reader(&path, &index, &ByteRange::ALL)
                .await
                .expect("reader");
            reader.expect("a chunk").await.expect("bytes")
        });
        assert_eq!(&read[..], b"efgh");
        assert_eq!(
            &reopened.read_object(&object.id, 2..6).expect(location)[..],
            b"cdef"
        );
    }
}
