//! The infoplane program.

fn main() {}
