//! karin's viewer: years of swath under the hand, in a browser, from one command and without a network.
//!
//! Scope: an HTTP server over granules and collections that answers in tiles, strips, points, profiles and series, and the
//! page that shows them. It translates requests into calls of the library and back; a program that holds an [`Embedded`]
//! viewer, as a notebook does, gets the same answers without a socket. Not here: reading, reducing, deriving (`karin`); what
//! the page looks like (`web/`).
//!
//! ```text
//!   serve ──> http (who may ask; parameters; caching) ──> ask (one file per question) ──> view, tile, swath ──> karin
//! ```

#![forbid(unsafe_code)]

mod archive;
mod ask;
mod embedded;
pub mod http;
mod layers;
mod locate;
mod serve;
mod shelf;
mod swath;
mod tile;
mod tiles_on_disk;
mod tracks;
mod view;
mod viewer;

pub use archive::Archive;
pub use embedded::{Answer, Asked, Embedded};
pub use serve::{Server, ServerOptions};
pub use viewer::Viewer;
