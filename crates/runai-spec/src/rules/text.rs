//! Rules of the text itself, before its settings are looked at.

use runai_syntax::{MAX_ALIASED_NODES, MAX_BYTES, MAX_DEPTH};

use super::{Example, rules};

const FINE: Example = Example::Yaml("gpu_devices_request: 1\n");

rules! {
    /// The text is not UTF-8, so nothing in it can be read for certain. Save it as UTF-8 in your editor; a byte order
    /// mark is fine.
    NOT_UTF8 {
        code: "not-utf8",
        severity: Error,
        summary: "the text is not UTF-8",
        valid: FINE,
        invalid: Example::Made("a text with the byte 0xFF in it", || b"name: \xff\n".to_vec()),
    }

    /// The text is larger than the checker reads (4 MiB). Settings files have a few kilobytes; data does not belong into
    /// them.
    TOO_LARGE {
        code: "too-large",
        severity: Error,
        summary: "the text is larger than what is read",
        valid: FINE,
        invalid: Example::Made("a text of 4 MiB and one byte", || vec![b'#'; MAX_BYTES + 1]),
    }

    /// Lists and maps are nested deeper than 64 levels. No setting needs more than a handful.
    TOO_DEEP {
        code: "too-deep",
        severity: Error,
        summary: "lists and maps are nested too deep",
        valid: FINE,
        invalid: Example::Made("65 lists inside one another", || "[".repeat(MAX_DEPTH + 1).into_bytes()),
    }

    /// The aliases of a YAML document stand for more than 100,000 values: a document that multiplies itself. Write the
    /// values out where they are needed.
    TOO_MANY_ALIASES {
        code: "too-many-aliases",
        severity: Error,
        summary: "aliases stand for too many values",
        valid: Example::Yaml("labels: &labels {team: ml}\nannotations: *labels\n"),
        invalid: Example::Made("lists of ten aliases, each of the list before", alias_bomb),
    }

    /// The text is not valid YAML, JSON or TOML; the message says what the reader stumbled over, and the place is where
    /// it did. The cause often stands a little before it.
    ///
    /// YAML is read as version 1.2. Tabs cannot indent; a value that contains `: ` or ` #` needs quotes; tags beyond the
    /// core schema have no meaning here.
    SYNTAX {
        code: "syntax",
        severity: Error,
        summary: "the text does not parse",
        valid: FINE,
        invalid: Example::Yaml("node_pools: [a100\nnode_type: A100\n"),
    }

    /// The document holds nothing, or nothing but comments. A file of all defaults is `{}`.
    EMPTY {
        code: "empty-document",
        severity: Error,
        summary: "the document is empty",
        valid: FINE,
        invalid: Example::Yaml("# nothing yet\n"),
    }

    /// One file holds one document; which of several is meant cannot be known.
    SEVERAL_DOCUMENTS {
        code: "several-documents",
        severity: Error,
        summary: "the file holds several documents",
        valid: FINE,
        invalid: Example::Yaml("gpu_devices_request: 1\n---\ngpu_devices_request: 2\n"),
    }

    /// The keys are those of another system: a Kubernetes manifest, a custom resource of Run:ai, a task of SkyPilot or dstack,
    /// a Docker Compose file, a pipeline of Cloud Build, Azure, Buildkite or GitHub. This program reads step files, settings,
    /// operator files and ZenML run configurations.
    FOREIGN_FILE {
        code: "foreign-file",
        severity: Error,
        summary: "file of another system",
        valid: FINE,
        invalid: Example::Yaml("apiVersion: batch/v1\nkind: Job\nspec: {}\n"),
    }

    /// A map of a ZenML run configuration merges two values for one key: with `<<` twice, or with a list of maps that
    /// overlap. PyYAML, which ZenML reads with, lets that pass, and which value counts depends on its version.
    ///
    /// In every other file a second `<<` is a duplicate key.
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

    /// A map of a ZenML run configuration has the same key twice. PyYAML, which reads such files, takes the last value.
    ///
    /// In every other file a second key is an error.
    OVERRIDDEN_KEY {
        code: "overridden-key",
        severity: Warning,
        summary: "duplicate key in a ZenML run configuration",
        valid: Example::Yaml("steps:\n  train:\n    settings:\n      step_operator: {cpu_core_request: 1}\n"),
        invalid: Example::Yaml(
            "steps:\n  train:\n    settings:\n      step_operator:\n        cpu_core_request: 1\n        cpu_core_request: 8\n",
        ),
    }

    /// A map has the same key twice. Which value counts differs from reader to reader, so neither does here.
    DUPLICATE_KEY {
        code: "duplicate-key",
        severity: Error,
        summary: "a key stands twice in a map",
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
