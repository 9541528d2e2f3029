//! besom.
fn main() {}
