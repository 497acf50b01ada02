//! What is measured, in time and in memory: one step file in three languages, and one that grows.

use std::fmt::Write as _;

use runai_spec::{Context, Resolver, Source};

use runai_syntax::Format;

/// The same step in each language; the body is the same too.
pub(crate) const TEXTS: [(&str, &str, Format); 3] = [
    ("json", include_str!("../advanced.runai.json"), Format::Json),
    ("toml", include_str!("../advanced.runai.toml"), Format::Toml),
    ("yaml", include_str!("../../../../examples/advanced.runai.yaml"), Format::Yaml),
];

/// How many mounts the growing file has.
pub(crate) const MOUNTS: [usize; 4] = [10, 100, 1_000, 10_000];

/// All that is done with a text: it is read, checked, rendered and printed as it is sent.
pub(crate) fn body(text: &str, format: Format) -> String {
    let resolution = Resolver::new(Source { name: "step", text, format }).resolve();
    let step = resolution.step().expect("the text has no errors");
    step.body(&Context::default())
}

/// A step file with `count` mounts, in which nothing is worth a word.
pub(crate) fn with_mounts(count: usize) -> String {
    let mut text = "image: train:4\ncommand: [train]\nsettings:\n  pvc_mounts:\n".to_owned();
    for index in 0..count {
        let mount = format!("    - claim_name: claim-{index}\n      path: /mnt/data-{index}\n      read_only: true\n");
        text.write_str(&mount).expect("a text takes more");
    }
    text
}
