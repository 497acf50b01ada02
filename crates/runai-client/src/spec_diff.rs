//! Whether the spec that the control plane keeps is the one that was sent.

use serde_json::Value;

/// Where `kept` does not hold what `sent` asks for, as a JSON pointer into `sent`; nothing when it holds all of it.
///
/// The control plane adds defaults of its own, of policies and of templates, so `kept` may hold more: members, and
/// items of lists, in any order. A null, an empty list and `false` ask for nothing that a missing member does not give.
pub(crate) fn difference(sent: &Value, kept: &Value) -> Option<String> {
    match (sent, kept) {
        (Value::Null, _) | (Value::Bool(false), Value::Null) => None,
        (Value::Object(sent), _) => sent.iter().find_map(|(name, value)| {
            let below = difference(value, kept.get(name).unwrap_or(&Value::Null))?;
            Some(format!("/{}{below}", name.replace('~', "~0").replace('/', "~1")))
        }),
        (Value::Array(sent), _) => {
            let kept = kept.as_array().map_or(&[][..], Vec::as_slice);
            let missing = sent.iter().position(|item| kept.iter().all(|other| difference(item, other).is_some()))?;
            Some(format!("/{missing}"))
        }
        (Value::Number(sent), Value::Number(kept)) if sent.as_f64() == kept.as_f64() => None,
        (sent, kept) => (sent != kept).then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_control_plane_adds_is_no_difference() {
        let sent = json!({
            "image": "python", "labels": [{"name": "a", "value": "b", "exclude": false}], "ports": [], "tty": false,
            "args": null, "compute": {"cpuCoreRequest": 1, "gpuPortionRequest": 0.5},
        });
        let kept = json!({
            "image": "python", "category": "Train", "compute": {"cpuCoreRequest": 1.0, "gpuPortionRequest": 0.5},
            "labels": [{"name": "x", "value": "y"}, {"name": "a", "value": "b"}],
        });
        assert_eq!(difference(&sent, &kept), None);
    }

    #[test]
    fn a_difference_is_named() {
        for (sent, kept, at) in [
            (json!({"image": "a"}), json!({"image": "b"}), "/image"),
            (json!({"image": "a"}), json!(null), "/image"),
            (
                json!({"compute": {"cpuCoreRequest": 1}}),
                json!({"compute": {"cpuCoreRequest": 2}}),
                "/compute/cpuCoreRequest",
            ),
            (json!({"labels": [{"name": "a"}, {"name": "b"}]}), json!({"labels": [{"name": "a"}]}), "/labels/1"),
            (json!({"a/b": true}), json!({"a/b": false}), "/a~1b"),
            (json!({"x": "1"}), json!({"x": 1}), "/x"),
        ] {
            assert_eq!(difference(&sent, &kept).as_deref(), Some(at), "{sent} {kept}");
        }
    }
}
