//! The schemas of `runai-spec`, asked by the place in a document.

use std::sync::LazyLock;

use runai_spec::Kind;
use runai_spec::schema;
use runai_syntax::unescape;
use serde_json::{Map, Value as Json};

static STEP: LazyLock<Json> = LazyLock::new(|| schema::value("step").unwrap_or_default());
static SETTINGS: LazyLock<Json> = LazyLock::new(|| schema::value("settings").unwrap_or_default());
static OPERATOR: LazyLock<Json> = LazyLock::new(|| schema::value("operator").unwrap_or_default());
static ZENML: LazyLock<Json> = LazyLock::new(|| schema::value("zenml-run").unwrap_or_default());

/// The schema of one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaNode(&'static Json);

/// A setting or a key of the step file, as source maps and `explain` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingPath {
    /// Name of the step of a ZenML run configuration.
    pub(crate) step: Option<String>,
    /// JSON pointer in a map of settings, or of a key of the step file.
    pub(crate) pointer: String,
}

/// The schema of the value that `pointer` names in a document of this kind.
pub(crate) fn at(kind: Kind, pointer: &str) -> Option<SchemaNode> {
    let (root, pointer): (&'static Json, &str) = match kind {
        Kind::Operator => (&OPERATOR, pointer),
        Kind::Settings => (&SETTINGS, pointer),
        Kind::Step => (&STEP, pointer),
        Kind::Zenml => match block(pointer) {
            // The schema of ZenML's files is loosened for what pydantic converts, which completion does not write.
            Some((block, _)) => (&SETTINGS, &pointer[block.len()..]),
            None => (&ZENML, pointer),
        },
    };
    let mut node = SchemaNode(resolved(root));
    for segment in pointer.split('/').skip(1) {
        node = node.child(&unescape(segment))?;
    }
    Some(node)
}

/// The beginning of a pointer that names the block of a step operator in a ZenML run configuration, and the step's name.
pub(crate) fn block(pointer: &str) -> Option<(&str, Option<String>)> {
    let segments: Vec<&str> = pointer.split('/').skip(1).collect();
    let (length, step) = match segments.as_slice() {
        ["settings", _, ..] => (2, None),
        ["steps", step, "settings", _, ..] => (4, Some(unescape(step).into_owned())),
        _ => return None,
    };
    let key = unescape(segments[length - 1]);
    if key != "step_operator" && key != "step_operator.runai" && !key.starts_with("step_operator:") {
        return None;
    }
    let end = segments[..length].iter().map(|segment| segment.len() + 1).sum();
    Some((&pointer[..end], step))
}

/// What a pointer of a document means to source maps.
pub(crate) fn setting(kind: Kind, pointer: &str) -> Option<SettingPath> {
    if pointer.is_empty() {
        return None;
    }
    let plain = |pointer: &str| Some(SettingPath { step: None, pointer: pointer.to_owned() });
    match kind {
        Kind::Operator | Kind::Settings => plain(pointer),
        Kind::Step => match pointer.strip_prefix("/settings") {
            Some("") => None,
            Some(rest) if rest.starts_with('/') => plain(rest),
            _ => plain(pointer),
        },
        Kind::Zenml => {
            if let Some((block, step)) = block(pointer) {
                let rest = &pointer[block.len()..];
                return (!rest.is_empty()).then(|| SettingPath { step, pointer: rest.to_owned() });
            }
            if pointer.starts_with("/environment/") {
                return plain(pointer);
            }
            let (step, rest) = pointer.strip_prefix("/steps/")?.split_once('/')?;
            rest.starts_with("environment/")
                .then(|| SettingPath { step: Some(unescape(step).into_owned()), pointer: format!("/{rest}") })
        }
    }
}

/// The path of a setting as `explain` knows it: names without indexes.
pub(crate) fn explained_path(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).filter(|segment| segment.parse::<usize>().is_err());
    names.map(unescape).collect::<Vec<_>>().join(".")
}

fn resolved(schema: &'static Json) -> &'static Json {
    match schema["$ref"].as_str() {
        Some(reference) => ZENML.pointer(reference.trim_start_matches('#')).unwrap_or(schema),
        None => match schema["allOf"].as_array().map(Vec::as_slice) {
            // A reference beside other words.
            Some([only]) if schema.get("properties").is_none() && only.get("$ref").is_some() => resolved(only),
            _ => schema,
        },
    }
}

impl SchemaNode {
    fn child(self, segment: &str) -> Option<Self> {
        let own = &self.0["properties"][segment];
        if own.is_object() {
            return Some(Self(resolved(own)));
        }
        if segment.parse::<usize>().is_ok() && self.0["items"].is_object() {
            return Some(Self(resolved(&self.0["items"])));
        }
        let more = &self.0["additionalProperties"];
        more.is_object().then(|| Self(resolved(more)))
    }

    /// The keys of the map, without second spellings.
    pub(crate) fn keys(self) -> impl Iterator<Item = (&'static str, Self)> {
        let properties = self.0["properties"].as_object().into_iter().flatten();
        properties
            .map(|(key, property)| (key.as_str(), Self(resolved(property))))
            .filter(|(_, property)| !property.flag("doNotSuggest"))
    }

    pub(crate) fn has_keys(self) -> bool {
        self.0["properties"].is_object()
    }

    pub(crate) fn requires(self, key: &str) -> bool {
        self.0["required"].as_array().is_some_and(|required| required.iter().any(|required| required == key))
    }

    /// The items of a list.
    pub(crate) fn items(self) -> Option<Self> {
        self.0["items"].is_object().then(|| Self(resolved(&self.0["items"])))
    }

    fn flag(self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or_default()
    }

    pub(crate) fn text(self, key: &str) -> Option<&'static str> {
        self.0[key].as_str()
    }

    /// The type of a value that is not null.
    pub(crate) fn type_name(self) -> Option<&'static str> {
        match &self.0["type"] {
            Json::String(name) => Some(name),
            Json::Array(names) => names.iter().filter_map(Json::as_str).find(|name| *name != "null"),
            _ => None,
        }
    }

    pub(crate) fn default(self) -> Option<&'static Json> {
        self.0.get("default")
    }

    pub(crate) fn examples(self) -> &'static [Json] {
        self.0["examples"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The allowed texts and what each means.
    pub(crate) fn choices(self) -> Vec<(&'static str, Option<&'static str>)> {
        let values = self.0["enum"].as_array().into_iter().flatten();
        values
            .enumerate()
            .filter_map(|(index, value)| Some((value.as_str()?, self.0["markdownEnumDescriptions"][index].as_str())))
            .collect()
    }

    /// The beginnings that the schema offers: label, description and body.
    pub(crate) fn snippets(self) -> impl Iterator<Item = &'static Map<String, Json>> {
        self.0["defaultSnippets"].as_array().into_iter().flatten().filter_map(Json::as_object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_of_every_kind_find_the_same_setting() {
        let places = [
            (Kind::Step, "/settings/gpu_portion_request"),
            (Kind::Settings, "/gpu_portion_request"),
            (Kind::Operator, "/gpu_portion_request"),
            (Kind::Zenml, "/settings/step_operator.runai/gpu_portion_request"),
            (Kind::Zenml, "/steps/train/settings/step_operator:gpu/gpu_portion_request"),
        ];
        for (kind, pointer) in places {
            let node = at(kind, pointer).unwrap();
            assert_eq!((node.type_name(), node.text("x-unit")), (Some("number"), Some("devices")), "{pointer}");
            assert_eq!(setting(kind, pointer).unwrap().pointer, "/gpu_portion_request");
        }
        assert!(at(Kind::Zenml, "/settings/step_operator.kubernetes/gpu_portion_request").is_none());
        assert!(at(Kind::Zenml, "/steps/train").unwrap().has_keys());
    }

    #[test]
    fn paths_for_explanations_have_no_indexes() {
        assert_eq!(explained_path("/pvc_mounts/0/path"), "pvc_mounts.path");
        assert_eq!(block("/steps/a~1b/settings/step_operator/x").unwrap().1.as_deref(), Some("a/b"));
    }
}
