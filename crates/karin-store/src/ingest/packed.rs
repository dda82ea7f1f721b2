//! The packed objects that an ingest is writing.

use std::borrow::Cow;

use icechunk::format::manifest::ChunkPayload;

use crate::objects::WrittenObject;
use crate::{ObjectWriter, Repository, StoreError};

/// Bytes after which a packed object is closed, where it is a file.
const FILE_LIMIT: u64 = 1 << 30;

/// Bytes after which a packed object is closed, where it is held in memory until then (buckets).
const MEMORY_LIMIT: u64 = 64 << 20;

/// Objects with the chunks of what no commit refers to yet.
pub(super) struct Packed<'a> {
    repository: &'a Repository,
    writer: Option<ObjectWriter<'a>>,
    finished: Vec<WrittenObject>,
    dry_run: bool,
    is_lost: bool,
}

impl<'a> Packed<'a> {
    pub(super) fn new(repository: &'a Repository, dry_run: bool) -> Self {
        Self {
            repository,
            writer: None,
            finished: Vec::new(),
            dry_run,
            is_lost: false,
        }
    }

    /// Appends a chunk to the object in the making.
    ///
    /// # Errors
    /// What writing met. All chunks since the last [`Packed::finish`] are lost then.
    pub(super) fn push<'c>(&mut self, stored: impl Into<Cow<'c, [u8]>>) -> Result<ChunkPayload, StoreError> {
        if self.dry_run {
            return Ok(ChunkPayload::Inline(Vec::new().into()));
        }
        let pushed = self.append(stored.into());
        pushed.inspect_err(|_| self.lose())
    }

    /// Puts all of it on stable storage, and gives the objects since the last time.
    ///
    /// # Errors
    /// As [`Packed::push`].
    pub(super) fn finish(&mut self) -> Result<Vec<WrittenObject>, StoreError> {
        if let Some(writer) = self.writer.take() {
            let finished = writer.finish();
            let object = finished.inspect_err(|_| self.lose())?;
            self.finished.push(object);
        }
        Ok(std::mem::take(&mut self.finished))
    }

    /// True once after chunks were lost: nothing may refer to them.
    pub(super) fn has_lost(&mut self) -> bool {
        std::mem::take(&mut self.is_lost)
    }

    fn lose(&mut self) {
        self.writer = None;
        self.finished.clear();
        self.is_lost = true;
    }

    fn append(&mut self, stored: Cow<'_, [u8]>) -> Result<ChunkPayload, StoreError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.repository.object_writer()?,
        };
        let reference = writer.push(stored)?;
        let is_file = self.repository.chunk_path(&reference.id).is_some();
        if writer.length() >= if is_file { FILE_LIMIT } else { MEMORY_LIMIT } {
            self.finished.push(writer.finish()?);
        } else {
            self.writer = Some(writer);
        }
        Ok(ChunkPayload::Ref(reference))
    }
}
