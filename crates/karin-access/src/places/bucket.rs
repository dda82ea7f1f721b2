//! Buckets of S3.

use std::sync::Arc;

use karin_core::Progress;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore};

use super::tree::{File, Folder, Harvest, Listing, walk};
use crate::http::Http;
use crate::{Access, AccessError, Location, Settings, Size, Wanted};

mod keys;

pub(crate) use keys::BucketKeys;

/// A bucket that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub store: Arc<AmazonS3>,
    /// The keys, where they are PO.DAAC's.
    pub keys: Option<Arc<BucketKeys>>,
}

/// Reaches a bucket: with keys of PO.DAAC if it is PO.DAAC's and the settings say so, unsigned if they say that, else
/// with `AWS_*` of the environment.
pub(crate) fn open(settings: &Settings, http: &Arc<Http>, bucket: &str) -> Result<Bucket, AccessError> {
    let client = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(settings.stall().min(std::time::Duration::from_secs(30)));
    let keys = if settings.is_true("podaac.s3") && settings.text("podaac.bucket") == Some(bucket) {
        let endpoint = settings.url("podaac.archive")?.join("s3credentials");
        let endpoint = endpoint.map_err(|error| AccessError::option("podaac.archive", error.to_string()))?;
        Some(Arc::new(BucketKeys::new(Arc::clone(http), endpoint)))
    } else {
        None
    };
    let builder = match &keys {
        Some(keys) => AmazonS3Builder::new()
            .with_region("us-west-2")
            .with_credentials(Arc::clone(keys) as _),
        None => AmazonS3Builder::from_env(),
    };
    let mut builder = builder.with_bucket_name(bucket).with_client_options(client);
    if let Some(region) = settings.text("s3.region") {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = settings.text("s3.endpoint") {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"));
    }
    if keys.is_none() && settings.is_true("s3.anonymous") {
        builder = builder.with_skip_signature(true);
    }
    let opened = builder
        .build()
        .map_err(|error| failed(&format!("s3://{bucket}"), &error))?;
    Ok(Bucket {
        store: Arc::new(opened),
        keys,
    })
}

/// What an object store says, as an error of ours.
pub(crate) fn failed(location: &str, error: &object_store::Error) -> AccessError {
    AccessError::Store {
        location: location.to_owned(),
        reason: error.to_string(),
        missing: matches!(error, object_store::Error::NotFound { .. }),
    }
}

/// The wanted granules below a prefix.
pub(crate) async fn find(
    wanted: &Wanted,
    access: &Access,
    bucket: &str,
    prefix: &str,
    progress: &dyn Progress,
) -> Result<Harvest, AccessError> {
    let store = access.bucket(bucket)?.store;
    walk(
        wanted,
        prefix.to_owned(),
        access.settings.connections(),
        progress,
        |prefix| list(Arc::clone(&store), bucket, prefix),
    )
    .await
}

async fn list(store: Arc<AmazonS3>, bucket: &str, prefix: String) -> Result<Listing, AccessError> {
    let path = Path::from(prefix.as_str());
    let listed = store.list_with_delimiter(Some(&path)).await;
    let listed = listed.map_err(|error| failed(&format!("s3://{bucket}/{prefix}"), &error))?;
    let folders = listed.common_prefixes.iter().filter_map(|prefix| {
        let name = prefix.filename()?.to_owned();
        Some(Folder {
            name,
            address: prefix.as_ref().to_owned(),
        })
    });
    let files = listed.objects.iter().filter_map(|object| {
        Some(File {
            name: object.location.filename()?.to_owned(),
            size: Size::Exact(object.size),
            checksum: None,
            modified: object
                .e_tag
                .clone()
                .or_else(|| Some(object.last_modified.to_rfc3339())),
            location: Location::S3 {
                bucket: bucket.to_owned(),
                key: object.location.as_ref().to_owned(),
            },
        })
    });
    Ok(Listing {
        folders: folders.collect(),
        files: files.collect(),
    })
}
