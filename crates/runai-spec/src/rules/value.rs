//! Rules of single values: known keys, types, ranges and formats, from the declarations of the settings.

use super::{Example, rules};

rules! {
    /// The key is not a setting. ZenML ignores such keys, so a typo has no effect there. Here it is an error, and the help
    /// suggests the nearest known key.
    ///
    /// In a step file, settings belong below `settings:`. Operator keys (`project_name`, `runai_base_url`, …) belong in the
    /// operator file.
    UNKNOWN_KEY {
        code: "unknown-key",
        severity: Error,
        summary: "unknown key",
        valid: Example::Yaml("gpu_portion_request: 0.5\n"),
        invalid: Example::Yaml("gpu_portion: 0.5\n"),
    }

    /// A required key is missing.
    MISSING_KEY {
        code: "missing-key",
        severity: Error,
        summary: "missing required key",
        valid: Example::Yaml("ports:\n  - container: 8888\n"),
        invalid: Example::Yaml("ports:\n  - service_type: ClusterIP\n"),
    }

    /// The value does not have the type of the setting. Values are not converted, because conversion hides mistakes. The only
    /// exceptions are `2.0` for the integer `2` and `2` for the float `2.0`.
    ///
    /// YAML is parsed as version 1.2: `yes`, `no`, `on`, `off` and `1_000` are strings, and `0644` is the number 644. If YAML
    /// 1.1 reads the value differently, the help says what to write. `null` unsets a setting; settings with a default
    /// cannot be unset.
    WRONG_TYPE {
        code: "wrong-type",
        severity: Error,
        summary: "wrong type",
        valid: Example::Yaml("large_shm_request: true\n"),
        invalid: Example::Yaml("large_shm_request: yes\n"),
    }

    /// The number is below the minimum or above the maximum of the setting, is not finite, or does not fit in 64 bits.
    OUT_OF_RANGE {
        code: "out-of-range",
        severity: Error,
        summary: "number out of range",
        valid: Example::Yaml("gpu_portion_request: 0.5\n"),
        invalid: Example::Yaml("gpu_portion_request: 50\n"),
    }

    /// The value is not one of the allowed values. Values are case-sensitive.
    UNKNOWN_VALUE {
        code: "unknown-value",
        severity: Error,
        summary: "unknown value",
        valid: Example::Yaml("preemptibility: non-preemptible\n"),
        invalid: Example::Yaml("preemptibility: nonpreemptible\n"),
    }

    /// The string, list or key must not be empty. If the setting is not needed, remove it.
    EMPTY_VALUE {
        code: "empty-value",
        severity: Error,
        summary: "empty value",
        valid: Example::Yaml("node_type: A100\n"),
        invalid: Example::Yaml("node_type: \"\"\n"),
    }

    /// The string is longer than the API allows.
    TOO_LONG {
        code: "too-long",
        severity: Error,
        summary: "value too long",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml(
            "pvc_mounts:\n  - {claim_name: a-name-of-more-than-sixty-three-characters-cannot-be-a-kubernetes-label, path: /data}\n",
        ),
    }

    /// An amount of memory is a number followed by `K`, `M`, `G`, `T` (powers of 1000) or `Ki`, `Mi`, `Gi`, `Ti` (powers
    /// of 1024): `4G`, `512Mi`. `GB`, `GiB` and numbers without a unit are rejected. Claim sizes and extended resources are
    /// Kubernetes quantities, for which the unit is optional.
    INVALID_QUANTITY {
        code: "invalid-quantity",
        severity: Error,
        summary: "invalid quantity",
        valid: Example::Yaml("cpu_memory_request: 8Gi\n"),
        invalid: Example::Yaml("cpu_memory_request: 8GiB\n"),
    }

    /// Mount paths and the directory of a HostPath mount must be absolute: they start with `/`.
    RELATIVE_PATH {
        code: "relative-path",
        severity: Error,
        summary: "path must be absolute",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /mnt/data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: mnt/data}\n"),
    }

    /// File permissions are four octal digits that start with `0`, in quotes: `"0644"`. Without quotes, YAML parses a
    /// number, and YAML 1.1 and 1.2 parse different ones.
    INVALID_MODE {
        code: "invalid-mode",
        severity: Error,
        summary: "invalid file mode",
        valid: Example::Yaml("secret_mounts:\n  - {secret: token, mount_path: /etc/token, default_mode: \"0400\"}\n"),
        invalid: Example::Yaml("secret_mounts:\n  - {secret: token, mount_path: /etc/token, default_mode: \"rw-\"}\n"),
    }

    /// Names of Kubernetes objects consist of lowercase letters, digits and dashes, and start and end with a letter or digit.
    INVALID_NAME {
        code: "invalid-name",
        severity: Error,
        summary: "invalid object name",
        valid: Example::Yaml("config_map_mounts:\n  - {config_map: training-config, mount_path: /etc/training}\n"),
        invalid: Example::Yaml("config_map_mounts:\n  - {config_map: Training_Config, mount_path: /etc/training}\n"),
    }

    /// Label and annotation keys consist of letters, digits, `-`, `_` and `.`, and start and end with a letter or digit. An
    /// optional DNS name and `/` may precede them. The official SDK limits the whole key, with its prefix, to 63 characters.
    /// Label values have the same format or are empty. Annotation values may be any string.
    INVALID_LABEL {
        code: "invalid-label",
        severity: Error,
        summary: "invalid label or annotation",
        valid: Example::Yaml("labels: {example.com/team: ml-research}\n"),
        invalid: Example::Yaml("labels: {team: ml research}\n"),
    }

    /// The base URL must start with `https://` or `http://`, name a host, and have neither query nor fragment. A trailing
    /// `/` is removed.
    INVALID_URL {
        code: "invalid-url",
        severity: Error,
        summary: "invalid control plane URL",
        valid: Example::Yaml("runai_base_url: https://my-org.run.ai\n"),
        invalid: Example::Yaml("runai_base_url: my-org.run.ai\n"),
    }

    /// Keys of `claim_info` may be written as in the API (`storageClass`) or in `snake_case` (`storage_class`), but not both.
    BOTH_SPELLINGS {
        code: "both-spellings",
        severity: Error,
        summary: "same key in both spellings",
        valid: Example::Yaml(
            "pvc_mounts:\n  - path: /data\n    existing_pvc: false\n    claim_info: {size: 10Gi, storage_class: fast}\n",
        ),
        invalid: Example::Yaml(
            "pvc_mounts:\n  - path: /data\n    existing_pvc: false\n    claim_info: {size: 10Gi, storage_class: fast, storageClass: fast}\n",
        ),
    }

    /// A toleration has an unknown key, such as Kubernetes' `tolerationSeconds`. It is not sent; ZenML ignores it, too.
    UNKNOWN_TOLERATION_KEY {
        code: "unknown-toleration-key",
        severity: Warning,
        summary: "unknown key of a toleration",
        valid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists}\n"),
        invalid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists, tolerationSeconds: 60}\n"),
    }

    /// The string ends in a line break, as YAML block scalars (`|`) do. The API accepts it, and it is sent unchanged, but it
    /// is rarely intended. Write the string on one line, or use `|-`.
    TRAILING_LINE_BREAK {
        code: "trailing-line-break",
        severity: Warning,
        summary: "trailing line break",
        valid: Example::Yaml("cpu_memory_request: 4G\n"),
        invalid: Example::Yaml("cpu_memory_request: |\n  4G\n"),
    }
}
