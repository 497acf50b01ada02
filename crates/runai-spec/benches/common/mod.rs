//! The inputs of all benchmarks: one step file in three formats, and step files of growing size.

use std::fmt::Write as _;

use runai_spec::{Context, Resolver, Source};

use runai_syntax::Format;

/// The same step in each format. The rendered bodies are equal.
pub(crate) const TEXTS: [(&str, &str, Format); 3] = [
    ("json", include_str!("../advanced.runai.json"), Format::Json),
    ("toml", include_str!("../advanced.runai.toml"), Format::Toml),
    ("yaml", include_str!("../../../../examples/advanced.runai.yaml"), Format::Yaml),
];

/// The numbers of mounts of the growing step file.
pub(crate) const MOUNTS: [usize; 4] = [10, 100, 1_000, 10_000];

/// Parses, checks and renders a text.
pub(crate) fn body(text: &str, format: Format) -> String {
    let resolution = Resolver::new(Source { name: "step", text, format }).resolve();
    let step = resolution.step().expect("the text has no errors");
    step.body(&Context::default())
}

/// Returns a step file with `count` mounts and no diagnostics.
pub(crate) fn with_mounts(count: usize) -> String {
    let mut text = "image: train:4\ncommand: [train]\nsettings:\n  pvc_mounts:\n".to_owned();
    for index in 0..count {
        let mount = format!("    - claim_name: claim-{index}\n      path: /mnt/data-{index}\n      read_only: true\n");
        text.write_str(&mount).expect("writing to a string never fails");
    }
    text
}
