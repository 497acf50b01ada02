//! Rules of single values: known keys, types, ranges and forms. They come from the declarations of the settings.

use super::{Example, rules};

rules! {
    /// The key is not one of the settings. ZenML drops such keys in silence, so that a typo takes effect as "nothing
    /// happens"; here it is an error, and the nearest known key is named.
    ///
    /// In a step file the settings stand below `settings:`; keys of the operator (`project_name`, `runai_base_url`, …)
    /// stand in the operator file.
    UNKNOWN_KEY {
        code: "unknown-key",
        severity: Error,
        summary: "the key is not known",
        valid: Example::Yaml("gpu_portion_request: 0.5\n"),
        invalid: Example::Yaml("gpu_portion: 0.5\n"),
    }

    /// A key that has to be there is missing.
    MISSING_KEY {
        code: "missing-key",
        severity: Error,
        summary: "a required key is missing",
        valid: Example::Yaml("ports:\n  - container: 8888\n"),
        invalid: Example::Yaml("ports:\n  - service_type: ClusterIP\n"),
    }

    /// The value has another type than the setting. Nothing is converted, because a converted value hides mistakes; only
    /// `2.0` is taken for `2` and `2` for `2.0`.
    ///
    /// YAML is read as version 1.2: `yes`, `no`, `on` and `off` are texts, `0644` is the number 644, `1_000` is a text.
    /// Where another version would read something else, the message says what to write. `null` means "not set", and only
    /// settings without a default can be not set.
    WRONG_TYPE {
        code: "wrong-type",
        severity: Error,
        summary: "the value has the wrong type",
        valid: Example::Yaml("large_shm_request: true\n"),
        invalid: Example::Yaml("large_shm_request: yes\n"),
    }

    /// The number is below the least or above the greatest that the setting allows, is not finite, or does not fit into
    /// 64 bits.
    OUT_OF_RANGE {
        code: "out-of-range",
        severity: Error,
        summary: "the number is out of range",
        valid: Example::Yaml("gpu_portion_request: 0.5\n"),
        invalid: Example::Yaml("gpu_portion_request: 50\n"),
    }

    /// The text is not one of the values that the setting allows. Case matters.
    UNKNOWN_VALUE {
        code: "unknown-value",
        severity: Error,
        summary: "the value is not one of those allowed",
        valid: Example::Yaml("preemptibility: non-preemptible\n"),
        invalid: Example::Yaml("preemptibility: nonpreemptible\n"),
    }

    /// The text, list or key is empty where the API wants something. Leave the setting out if it is not needed.
    EMPTY_VALUE {
        code: "empty-value",
        severity: Error,
        summary: "the value is empty",
        valid: Example::Yaml("node_type: A100\n"),
        invalid: Example::Yaml("node_type: \"\"\n"),
    }

    /// The text is longer than the API allows.
    TOO_LONG {
        code: "too-long",
        severity: Error,
        summary: "the value is too long",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml(
            "pvc_mounts:\n  - {claim_name: a-name-of-more-than-sixty-three-characters-cannot-be-a-kubernetes-label, path: /data}\n",
        ),
    }

    /// An amount of memory is a number followed by `K`, `M`, `G`, `T` (powers of 1000) or `Ki`, `Mi`, `Gi`, `Ti` (powers
    /// of 1024): `4G`, `512Mi`. `GB`, `GiB` and numbers without a unit are refused. Sizes of claims and quantities of
    /// extended resources are Kubernetes quantities, which may do without a unit.
    INVALID_QUANTITY {
        code: "invalid-quantity",
        severity: Error,
        summary: "the text is not a quantity",
        valid: Example::Yaml("cpu_memory_request: 8Gi\n"),
        invalid: Example::Yaml("cpu_memory_request: 8GiB\n"),
    }

    /// Mount paths, and the folder of a HostPath mount, are absolute: they start with `/`.
    RELATIVE_PATH {
        code: "relative-path",
        severity: Error,
        summary: "the path is not absolute",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /mnt/data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: mnt/data}\n"),
    }

    /// File permissions are four octal digits of which the first is `0`, in quotes: `"0644"`. Without quotes YAML reads a
    /// number, and which one depends on its version.
    INVALID_MODE {
        code: "invalid-mode",
        severity: Error,
        summary: "the text is not a file mode",
        valid: Example::Yaml("secret_mounts:\n  - {secret: token, mount_path: /etc/token, default_mode: \"0400\"}\n"),
        invalid: Example::Yaml("secret_mounts:\n  - {secret: token, mount_path: /etc/token, default_mode: \"rw-\"}\n"),
    }

    /// Names of Kubernetes objects are lowercase letters, digits and dashes, with a letter or digit first and last.
    INVALID_NAME {
        code: "invalid-name",
        severity: Error,
        summary: "the text is not the name of an object",
        valid: Example::Yaml("config_map_mounts:\n  - {config_map: training-config, mount_path: /etc/training}\n"),
        invalid: Example::Yaml("config_map_mounts:\n  - {config_map: Training_Config, mount_path: /etc/training}\n"),
    }

    /// Label and annotation keys are up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit first and last;
    /// a DNS name and `/` may stand before them, and count: the official SDK refuses keys of more than 63 characters as a
    /// whole. Label values have the same form or are empty. Values of annotations are free.
    INVALID_LABEL {
        code: "invalid-label",
        severity: Error,
        summary: "the key or value does not have the form of a Kubernetes label",
        valid: Example::Yaml("labels: {example.com/team: ml-research}\n"),
        invalid: Example::Yaml("labels: {team: ml research}\n"),
    }

    /// The base URL starts with `https://` (or `http://`), names a host, and has neither a query nor a fragment. A `/` at
    /// its end is dropped.
    INVALID_URL {
        code: "invalid-url",
        severity: Error,
        summary: "the text is not the URL of a control plane",
        valid: Example::Yaml("runai_base_url: https://my-org.run.ai\n"),
        invalid: Example::Yaml("runai_base_url: my-org.run.ai\n"),
    }

    /// Keys of `claim_info` have two spellings, the API's (`storageClass`) and the one of all other settings
    /// (`storage_class`). Both at once leave open which one counts.
    BOTH_SPELLINGS {
        code: "both-spellings",
        severity: Error,
        summary: "a key stands in both of its spellings",
        valid: Example::Yaml(
            "pvc_mounts:\n  - path: /data\n    existing_pvc: false\n    claim_info: {size: 10Gi, storage_class: fast}\n",
        ),
        invalid: Example::Yaml(
            "pvc_mounts:\n  - path: /data\n    existing_pvc: false\n    claim_info: {size: 10Gi, storage_class: fast, storageClass: fast}\n",
        ),
    }

    /// A toleration has a key that is not known. ZenML drops such keys in silence, and so does the request; what was
    /// meant by it does not happen. Kubernetes' `tolerationSeconds` is one of them.
    UNKNOWN_TOLERATION_KEY {
        code: "unknown-toleration-key",
        severity: Warning,
        summary: "the key of a toleration is not known and has no effect",
        valid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists}\n"),
        invalid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists, tolerationSeconds: 60}\n"),
    }

    /// The text ends in a line break, as YAML's block texts (`|`) do. The API's patterns let it pass, and it is sent as it
    /// is, but it is hardly meant. Write the text on one line, or use `|-`.
    TRAILING_LINE_BREAK {
        code: "trailing-line-break",
        severity: Warning,
        summary: "the text ends in a line break",
        valid: Example::Yaml("cpu_memory_request: 4G\n"),
        invalid: Example::Yaml("cpu_memory_request: |\n  4G\n"),
    }
}
