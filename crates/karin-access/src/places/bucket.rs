//! Buckets of S3.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use karin_core::Progress;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use super::tree::{File, Folder, Harvest, Listing, walk};
use crate::http::Http;
use crate::retry::{Patience, retry};
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
        .with_connect_timeout(settings.stall().min(Duration::from_secs(30)));
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
    // How often and how long to try is ours to say: the user may stop us, and settings count.
    let hardly = RetryConfig {
        max_retries: 1,
        retry_timeout: settings.stall(),
        ..RetryConfig::default()
    };
    let builder = builder.with_retry(hardly);
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

/// The answer of a bucket; one that says nothing for `stall` is as good as gone.
pub(crate) async fn in_time<T>(
    location: &str,
    stall: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, AccessError> {
    let late = |_| AccessError::Network {
        url: location.to_owned(),
        reason: format!("no answer for {:.0} s", stall.as_secs_f64()),
    };
    tokio::time::timeout(stall, answer).await.map_err(late)
}

/// What an object store says, as an error of ours.
pub(crate) fn failed(location: &str, error: &object_store::Error) -> AccessError {
    use object_store::Error::{NotFound, PermissionDenied, Unauthenticated};
    match error {
        // Asked again, it says the same.
        PermissionDenied { .. } | Unauthenticated { .. } => AccessError::NotLetIn {
            url: location.to_owned(),
            reason: error.to_string(),
        },
        _ => AccessError::Store {
            location: location.to_owned(),
            reason: error.to_string(),
            missing: matches!(error, NotFound { .. }),
        },
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
    let (store, stall) = (&store, access.settings.stall());
    let patience = &Patience::new(&access.settings, progress);
    let list = |prefix: String| async move { retry(patience, || list(store, bucket, &prefix, stall)).await };
    let at_a_time = access.settings.connections();
    walk(wanted, prefix.to_owned(), at_a_time, progress, list).await
}

async fn list(store: &AmazonS3, bucket: &str, prefix: &str, stall: Duration) -> Result<Listing, AccessError> {
    let (path, location) = (Path::from(prefix), format!("s3://{bucket}/{prefix}"));
    let listed = in_time(&location, stall, store.list_with_delimiter(Some(&path))).await?;
    let listed = listed.map_err(|error| failed(&location, &error))?;
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
