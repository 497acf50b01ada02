//! `runai-step`: words in, words out.
fn main() {}
