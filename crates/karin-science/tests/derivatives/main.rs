//! Derivatives and currents against what others computed and against closed forms.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod closed_forms;
mod cyclogeostrophy;
mod equator;
mod gaps;
mod golden;
mod noise;
mod numpy;
#[allow(dead_code, reason = "the benches use the rest")]
mod swath;
