//! Rules of the text itself, checked before its settings.

use runai_syntax::{MAX_ALIASED_NODES, MAX_BYTES, MAX_DEPTH};

use super::{Example, rules};

const FINE: Example = Example::Yaml("gpu_devices_request: 1\n");

rules! {
    /// The file is not valid UTF-8. Save it as UTF-8 in your editor; a byte order
    /// mark is allowed.
    NOT_UTF8 {
        code: "not-utf8",
        severity: Error,
        summary: "invalid UTF-8",
        valid: FINE,
        invalid: Example::Generated("a file that contains the byte 0xFF", || b"name: \xff\n".to_vec()),
    }

    /// The file is larger than 4 MiB. Settings files have a few kilobytes; keep data in other files.
    TOO_LARGE {
        code: "too-large",
        severity: Error,
        summary: "file larger than 4 MiB",
        valid: FINE,
        invalid: Example::Generated("a file of 4 MiB and one byte", || vec![b'#'; MAX_BYTES + 1]),
    }

    /// Lists and maps are nested deeper than 64 levels.
    TOO_DEEP {
        code: "too-deep",
        severity: Error,
        summary: "nesting deeper than 64 levels",
        valid: FINE,
        invalid: Example::Generated("65 nested lists", || "[".repeat(MAX_DEPTH + 1).into_bytes()),
    }

    /// The aliases of a YAML document expand to more than 100,000 values. Replace aliases by the values that they refer to.
    TOO_MANY_ALIASES {
        code: "too-many-aliases",
        severity: Error,
        summary: "aliases expand to more than 100,000 values",
        valid: Example::Yaml("labels: &labels {team: ml}\nannotations: *labels\n"),
        invalid: Example::Generated("lists of ten aliases, each to the previous list", alias_bomb),
    }

    /// The file is not valid YAML, JSON or TOML. The reported place is where the parser failed; the cause is often a little
    /// before it.
    ///
    /// YAML is parsed as version 1.2. Indent with spaces, not tabs. A value that contains `: ` or ` #` needs quotes. Only the
    /// tags of the core schema are supported.
    SYNTAX {
        code: "syntax",
        severity: Error,
        summary: "syntax error",
        valid: FINE,
        invalid: Example::Yaml("node_pools: [a100\nnode_type: A100\n"),
    }

    /// The document is empty or contains only comments. To use all defaults, write `{}`.
    EMPTY {
        code: "empty-document",
        severity: Error,
        summary: "empty document",
        valid: FINE,
        invalid: Example::Yaml("# nothing yet\n"),
    }

    /// A file must contain exactly one document.
    SEVERAL_DOCUMENTS {
        code: "several-documents",
        severity: Error,
        summary: "several documents in one file",
        valid: FINE,
        invalid: Example::Yaml("gpu_devices_request: 1\n---\ngpu_devices_request: 2\n"),
    }

    /// The keys belong to another system: a Kubernetes manifest, a Run:ai custom resource, a SkyPilot or dstack task, a Docker
    /// Compose file, or a pipeline of Cloud Build, Azure, Buildkite or GitHub. Supported are step files, settings, operator
    /// files and ZenML run configurations.
    FOREIGN_FILE {
        code: "foreign-file",
        severity: Error,
        summary: "file of another system",
        valid: FINE,
        invalid: Example::Yaml("apiVersion: batch/v1\nkind: Job\nspec: {}\n"),
    }

    /// A map of a ZenML run configuration merges two values for one key, by a second `<<` or a list of overlapping maps.
    /// ZenML's parser, PyYAML, accepts this, but its version determines which value is used.
    ///
    /// In all other files, a second `<<` is a duplicate key.
    DUPLICATE_MERGE {
        code: "duplicate-merge",
        severity: Warning,
        summary: "overlapping merge keys in a ZenML run configuration",
        valid: Example::Yaml(
            "small: &small {cpu_core_request: 1}\nsteps:\n  train:\n    settings:\n      step_operator:\n        <<: *small\n",
        ),
        invalid: Example::Yaml(
            "small: &small {cpu_core_request: 1}\nbig: &big {cpu_core_request: 8}\nsteps:\n  train:\n    settings:\n      step_operator:\n        <<: *small\n        <<: *big\n",
        ),
    }

    /// A map of a ZenML run configuration has the same key twice. ZenML's parser, PyYAML, uses the last value.
    ///
    /// In all other files, a duplicate key is an error.
    OVERRIDDEN_KEY {
        code: "overridden-key",
        severity: Warning,
        summary: "duplicate key in a ZenML run configuration",
        valid: Example::Yaml("steps:\n  train:\n    settings:\n      step_operator: {cpu_core_request: 1}\n"),
        invalid: Example::Yaml(
            "steps:\n  train:\n    settings:\n      step_operator:\n        cpu_core_request: 1\n        cpu_core_request: 8\n",
        ),
    }

    /// A map has the same key twice. Parsers disagree on which value to use, so both are rejected.
    DUPLICATE_KEY {
        code: "duplicate-key",
        severity: Error,
        summary: "duplicate key",
        valid: FINE,
        invalid: Example::Yaml("gpu_devices_request: 1\ngpu_devices_request: 2\n"),
    }
}

fn alias_bomb() -> Vec<u8> {
    let levels = MAX_ALIASED_NODES.ilog10() + 1;
    let level = |level: u32| {
        let below = level - 1;
        format!("a{level}: &a{level} [{}]\n", vec![format!("*a{below}"); 10].join(", "))
    };
    let text: Vec<_> = std::iter::once("a0: &a0 [x]\n".to_owned()).chain((1..=levels).map(level)).collect();
    text.concat().into_bytes()
}
