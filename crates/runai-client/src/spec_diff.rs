//! Differences between the spec that was sent and the one that the control plane stores.

use serde_json::Value;

/// Returns a pointer to the image, command or arguments if they differ between `sent` and `stored`: another file was
/// submitted.
///
/// No other member identifies a file: control planes normalize quantities, mask values, drop labels and reorder lists.
/// With a template, `stored` may have values that were not sent.
pub(crate) fn identity_difference(sent: &Value, stored: &Value, has_template: bool) -> Option<&'static str> {
    IDENTITY.into_iter().find(|pointer| {
        let (sent, stored) = (text(sent, pointer), text(stored, pointer));
        let is_masked = !stored.is_empty() && stored.chars().all(|c| c == '*');
        sent != stored && !is_masked && !(sent.is_empty() && has_template)
    })
}

/// Returns JSON pointers to the members of `sent` that differ in `stored`; at most [`MAX_DIFFERENCES`].
///
/// `stored` may contain more members and list items, in any order, because the control plane adds its own defaults and
/// those of policies and templates. Null, an empty list and `false` equal a missing member.
pub(crate) fn differences(sent: &Value, stored: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(sent, stored, &mut String::new(), &mut found);
    found
}

fn text<'v>(spec: &'v Value, pointer: &str) -> &'v str {
    spec.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn collect(sent: &Value, stored: &Value, at: &mut String, found: &mut Vec<String>) {
    if found.len() >= MAX_DIFFERENCES {
        return;
    }
    match (sent, stored) {
        (Value::Null, _) | (Value::Bool(false), Value::Null) => {}
        (Value::Object(sent), _) => {
            for (name, value) in sent {
                let length = at.len();
                at.push('/');
                at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                collect(value, stored.get(name).unwrap_or(&Value::Null), at, found);
                at.truncate(length);
            }
        }
        (Value::Array(sent), _) => {
            let stored = stored.as_array().map_or(&[][..], Vec::as_slice);
            let missing = sent.iter().position(|item| stored.iter().all(|other| !differences(item, other).is_empty()));
            found.extend(missing.map(|index| format!("{at}/{index}")));
        }
        (Value::Number(sent), Value::Number(stored)) if sent.as_f64() == stored.as_f64() => {}
        (sent, stored) if sent == stored => {}
        _ => found.push(at.clone()),
    }
}

/// The members that identify a file.
const IDENTITY: [&str; 3] = ["/image", "/command", "/args"];

/// Enough to show what kind of difference it is.
const MAX_DIFFERENCES: usize = 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ignores_additions() {
        let sent = json!({
            "image": "python", "labels": [{"name": "a", "value": "b", "exclude": false}], "ports": [], "tty": false,
            "args": null, "compute": {"cpuCoreRequest": 1, "gpuPortionRequest": 0.5},
        });
        let stored = json!({
            "image": "python", "category": "Train", "compute": {"cpuCoreRequest": 1.0, "gpuPortionRequest": 0.5},
            "labels": [{"name": "x", "value": "y"}, {"name": "a", "value": "b"}],
        });
        assert_eq!(differences(&sent, &stored), [""; 0]);
    }

    #[test]
    fn reports_pointers() {
        for (sent, stored, at) in [
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
            assert_eq!(differences(&sent, &stored), [at], "{sent} {stored}");
        }
        let many: Value = (0..50).map(|index| (index.to_string(), json!(index))).collect();
        assert_eq!(differences(&many, &json!({})).len(), MAX_DIFFERENCES);
    }

    #[test]
    fn image_command_and_args_identify_a_file() {
        let sent = json!({"image": "a", "command": "python", "args": "-m train"});
        for (pointer, other) in [("/image", "b"), ("/command", "sh"), ("/args", "")] {
            let mut stored = sent.clone();
            *stored.pointer_mut(pointer).unwrap() = json!(other);
            assert_eq!(identity_difference(&sent, &stored, false), Some(pointer));
            assert_eq!(identity_difference(&stored, &sent, false), Some(pointer));
        }
        let normalised = json!({"image": "a", "command": "python", "args": "********", "labels": []});
        assert_eq!(identity_difference(&sent, &normalised, false), None);
        let with_template = json!({"image": "a"});
        assert_eq!(identity_difference(&with_template, &sent, true), None);
        assert_eq!(identity_difference(&with_template, &sent, false), Some("/command"));
    }
}
