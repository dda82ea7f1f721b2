//! Keys of PO.DAAC's bucket: handed out for an hour by the archive to whoever has an account, and fetched anew before
//! they end.

use std::sync::Arc;

use async_trait::async_trait;
use karin_core::time::parse_instant;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::AccessError;
use crate::http::{Ask, Http};

/// Keys that end within so many seconds are not used for another request: a request may take that long.
const MARGIN_S: f64 = 300.0;

/// Seconds that keys are used for whose end cannot be read.
const USUAL_S: f64 = 1800.0;

/// Bytes that an answer may have.
const LIMIT: usize = 64 << 10;

/// The keys, fetched when they are first needed and again before they end. Many requests at once fetch them once.
pub(crate) struct BucketKeys {
    http: Arc<Http>,
    endpoint: Url,
    held: Mutex<Option<Held>>,
}

struct Held {
    keys: Arc<AwsCredential>,
    end: f64,
}

/// What the endpoint answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    #[serde(default)]
    expiration: String,
}

impl BucketKeys {
    /// Keys that `endpoint` hands out.
    pub(crate) fn new(http: Arc<Http>, endpoint: Url) -> Self {
        Self {
            http,
            endpoint,
            held: Mutex::new(None),
        }
    }

    /// Keys that are good for a while.
    ///
    /// # Errors
    /// If the account is not accepted, or the archive does not answer as it should.
    pub(crate) async fn get(&self) -> Result<Arc<AwsCredential>, AccessError> {
        let mut held = self.held.lock().await;
        let now = crate::now();
        if let Some(held) = held.as_ref().filter(|held| held.end - now > MARGIN_S) {
            return Ok(Arc::clone(&held.keys));
        }
        let new = self.fetch(now).await?;
        let keys = Arc::clone(&new.keys);
        *held = Some(new);
        Ok(keys)
    }

    async fn fetch(&self, now: f64) -> Result<Held, AccessError> {
        let mut ask = Ask::get(&self.endpoint);
        ask.with_account = true;
        let mut reply = self.http.send(&ask).await?;
        if reply.status() != 200 {
            return Err(self.http.error_of(reply).await);
        }
        let url = reply.url.clone();
        if reply.is_page() {
            let page = reply.beginning().await;
            let refusal = self.http.accounts.refusal(&url, 200, &page);
            return Err(refusal
                .unwrap_or_else(|| AccessError::answer(&url, "a page for people came instead of keys")));
        }
        let body = reply.body(LIMIT).await?;
        // What the parser says could quote a key.
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| AccessError::answer(&url, "not an answer with keys of S3"))?;
        Ok(Held {
            end: end_of(&answer.expiration).unwrap_or(now + USUAL_S),
            keys: Arc::new(AwsCredential {
                key_id: answer.access_key_id,
                secret_key: answer.secret_access_key,
                token: Some(answer.session_token),
            }),
        })
    }
}

/// `2024-05-01 12:34:56+00:00`, as the endpoint writes it; always UTC.
fn end_of(text: &str) -> Option<f64> {
    let plain = text.trim().trim_end_matches("+00:00");
    parse_instant(plain).ok()
}

#[async_trait]
impl CredentialProvider for BucketKeys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.get().await.map_err(|error| object_store::Error::Generic {
            store: "PO.DAAC",
            source: Box::new(error),
        })
    }
}

/// Keys are never shown.
impl std::fmt::Debug for BucketKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("BucketKeys(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_keys_is_read_in_the_words_of_the_endpoint() {
        let end = parse_instant("2024-05-01T12:34:56Z").unwrap();
        assert_eq!(end_of("2024-05-01 12:34:56+00:00"), Some(end));
        assert_eq!(end_of("2024-05-01T12:34:56Z"), Some(end));
        assert_eq!(end_of("soon"), None);
    }
}
