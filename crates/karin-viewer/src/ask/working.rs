//! Whether the viewer is there, and how far it is.

use serde_json::json;

use crate::http::problem::Problem;
use crate::http::{Ask, Reply};

/// `health`.
pub fn health(_ask: &Ask<'_>) -> Result<Reply, Problem> {
    Ok(Reply::Json(json!({"status": "ok"})))
}

/// `progress`.
pub fn progress(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let job = ask.params.require("job")?;
    let found = ask.viewer.works().progress(job);
    let (stage, done, total, bytes) =
        found.ok_or_else(|| Problem::missing("no request of that job is under way"))?;
    Ok(Reply::Json(
        json!({"job": job, "stage": stage, "done": done, "total": total, "bytes": bytes}),
    ))
}
