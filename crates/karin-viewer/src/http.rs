//! The server: who may ask, what is asked, and how it is answered.
//!
//! ```text
//!   request ──> guard (host, origin) ──> session ──> parameters ──> ETag ──> turn ──> blocking work ──> answer
//! ```

pub mod assets;
pub mod connections;
pub mod container;
mod guard;
pub mod openapi;
pub mod params;
pub mod problem;
mod server;
pub mod session;
pub mod work;

pub use server::{Answered, Ask, Endpoint, Reply, router};
