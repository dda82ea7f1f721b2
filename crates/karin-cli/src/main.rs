//! The karin command.
fn main() {}
