//! Builds the page in anew when it has changed.

fn main() {
    println!("cargo::rerun-if-changed=assets");
}
