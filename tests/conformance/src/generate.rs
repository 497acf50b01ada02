//! Generates documents from a seed: every setting with valid and invalid values, and combinations.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::{
    case::{Case, CaseKind, Intent},
    shape::{self, Field, Kind, Shape},
    values::{MOUNT_PATHS, any_right, any_struct, least, pick, reconcile, right, wrong},
};

/// Returns all systematic cases, and random ones up to `count`.
pub(crate) fn generate(seed: u64, count: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    every_setting(&mut cases);
    rules(&mut cases);
    every_merge(&mut cases);
    let mut mixer = Mixer {
        rng: Rng::with_seed(seed),
        settings: shape::settings(),
        step: shape::step(),
        operator: shape::operator(),
    };
    while cases.len() < count {
        cases.push(mixer.case());
    }
    cases
}

/// Returns an operator file with the keys that ZenML requires.
fn operator() -> Value {
    json!({
        "client_id": "id",
        "client_secret": "secret",
        "runai_base_url": "https://runai.example.com",
        "project_name": "project",
    })
}

fn step() -> Value {
    json!({"image": "python:3.12", "command": ["python", "train.py"]})
}

/// Returns cases with one setting each, for all valid and invalid values.
fn every_setting(cases: &mut Vec<Case>) {
    let settings = shape::settings();
    let step_settings: Vec<String> = settings.fields().iter().map(|field| field.name.clone()).collect();
    for (kind, shape, base) in [
        (CaseKind::Settings, settings, json!({})),
        (CaseKind::Step, shape::step(), step()),
        (CaseKind::Operator, shape::operator(), operator()),
    ] {
        let mut unknown = base.clone();
        unknown["not_a_key"] = json!(1);
        cases.push(case(kind, "unknown key".to_owned(), Intent::Broken, unknown, ""));
        for key in base.as_object().into_iter().flatten().map(|(key, _)| key) {
            let mut missing = base.clone();
            missing.as_object_mut().map(|map| map.remove(key));
            // The core requires no key of an operator file.
            let intent = if kind == CaseKind::Operator { Intent::Valid } else { Intent::Broken };
            cases.push(case(kind, format!("no `{key}`"), intent, missing, key));
        }
        for (names, field) in shape.paths() {
            let path = names.join(".");
            // Settings of a step are covered separately.
            if kind == CaseKind::Step && names.len() > 1 {
                continue;
            }
            let of_step = kind == CaseKind::Operator && step_settings.contains(&names[0]);
            if of_step && names.len() > 1 {
                continue;
            }
            for value in right(&field.shape) {
                let name = format!("`{path}` is {value}");
                let mut document = base.clone();
                put(&mut document, &shape, &names, value);
                if let Some(settings) = settings_of(kind, &mut document) {
                    reconcile(settings);
                }
                cases.push(case(kind, name, Intent::Valid, document, &path));
            }
            for (way, value) in wrong(&field.shape) {
                if of_step && !way.starts_with("type of `\"") {
                    continue;
                }
                let mut document = base.clone();
                put(&mut document, &shape, &names, value);
                cases.push(case(kind, format!("`{path}`: {way}"), Intent::Broken, document, &path));
            }
        }
    }
}

/// Returns settings that are valid alone and invalid together.
fn rules(cases: &mut Vec<Case>) {
    let mut add = |name: &str, document: Value| {
        cases.push(case(CaseKind::Settings, name.to_owned(), Intent::Broken, document, ""));
    };
    add("portion limit below request", json!({"gpu_portion_request": 0.5, "gpu_portion_limit": 0.4}));
    add("portion limit below default", json!({"gpu_portion_limit": 0.5}));
    add("core limit below request", json!({"cpu_core_request": 2, "cpu_core_limit": 1.5}));
    add("core limit below default", json!({"cpu_core_limit": 0.5}));
    add("memory limit below request", json!({"cpu_memory_request": "1Gi", "cpu_memory_limit": "1G"}));
    add("memory limit below default", json!({"cpu_memory_limit": "3999M"}));
    add("GPU memory limit below request", json!({"gpu_memory_request": "1Gi", "gpu_memory_limit": "1G"}));
    add("memory without an amount", json!({"gpu_request_type": "memory"}));
    add("memory with no amount", json!({"gpu_request_type": "memory", "gpu_memory_request": null}));
    add("more pods than completions", json!({"parallelism": 3, "completions": 2}));
    add(
        "users and groups",
        json!({"external_urls": [{"container": 1, "authorized_users": ["a"], "authorized_groups": ["b"]}]}),
    );
    add("value with `Exists`", json!({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}));
    add("no key, no operator", json!({"tolerations": [{"effect": "NoSchedule"}]}));
    add("no key with `Equal`", json!({"tolerations": [{"operator": "Equal", "value": "b"}]}));
    let shape = shape::settings();
    for (index, (one, one_key)) in MOUNT_PATHS.into_iter().enumerate() {
        for (other, other_key) in &MOUNT_PATHS[index..] {
            let mut document = json!({});
            put(&mut document, &shape, &[one.to_owned(), one_key.to_owned()], json!("/same"));
            let mut second = json!({});
            put(&mut second, &shape, &[(*other).to_owned(), (*other_key).to_owned()], json!("/same"));
            let second = second[*other][0].clone();
            match document[*other].as_array_mut() {
                Some(mounts) => mounts.push(second),
                None => document[*other] = json!([second]),
            }
            add(&format!("one path in `{one}` and `{other}`"), document);
        }
    }
}

/// Returns cases for every setting: only in the operator file, in both files, and unset by the step.
fn every_merge(cases: &mut Vec<Case>) {
    for field in shape::settings().fields() {
        let values = right(&field.shape);
        let (one, other) = (values[0].clone(), values[values.len() / 2].clone());
        let own = |value: &Value| {
            let mut settings: Map<String, Value> = [(field.name.clone(), value.clone())].into_iter().collect();
            reconcile(&mut settings);
            Value::Object(settings)
        };
        for (way, document) in [
            ("only the operator's", json!({})),
            ("both", own(&other)),
            ("both, the same", own(&one)),
            ("unset by the step", json!({field.name.clone(): null})),
        ] {
            let mut under = operator();
            if let Some(map) = under.as_object_mut() {
                map.extend(own(&one).as_object().cloned().unwrap_or_default());
            }
            cases.push(Case {
                name: format!("`{}` merged: {way}", field.name),
                intent: Intent::Open,
                kind: CaseKind::Merged,
                document,
                operator: Some(under),
                paths: vec![field.name.clone()],
            });
        }
    }
}

fn case(kind: CaseKind, name: String, intent: Intent, document: Value, path: &str) -> Case {
    let (document, operator) = if kind == CaseKind::Operator { (json!({}), Some(document)) } else { (document, None) };
    Case { name, intent, kind, document, operator, paths: vec![path.to_owned()] }
}

/// Returns the settings of a step in a document.
fn settings_of(kind: CaseKind, document: &mut Value) -> Option<&mut Map<String, Value>> {
    match kind {
        CaseKind::Step => document.get_mut("settings")?.as_object_mut(),
        _ => document.as_object_mut(),
    }
}

/// Inserts `value` at the path `names`, creating missing maps.
fn put(document: &mut Value, shape: &Shape, names: &[String], value: Value) {
    let Some((name, rest)) = names.split_first() else {
        *document = value;
        return;
    };
    if let Kind::List { item, .. } = &shape.kind {
        if document.as_array().is_none_or(Vec::is_empty) {
            *document = json!([least(item.fields())]);
        }
        put(&mut document[0], item, names, value);
        return;
    }
    if !document.is_object() {
        *document = least(shape.fields());
    }
    if let Some(field) = shape.fields().iter().find(|field| field.name == *name) {
        let alias = field.alias.as_ref().filter(|alias| document.get(alias.as_str()).is_some());
        put(&mut document[alias.unwrap_or(name)], &field.shape, rest, value);
    }
}

/// Generates random documents with many settings.
struct Mixer {
    rng: Rng,
    settings: Shape,
    step: Shape,
    operator: Shape,
}

impl Mixer {
    fn case(&mut self) -> Case {
        match self.rng.u8(..16) {
            0..6 => self.mixed(CaseKind::Settings),
            6..11 => self.broken(),
            11..13 => self.mixed(CaseKind::Step),
            13 => self.mixed(CaseKind::Operator),
            _ => self.merged(),
        }
    }

    /// Returns valid settings.
    fn settings(&mut self) -> Map<String, Value> {
        let chance = pick(&[8, 32, 96, 255], &mut self.rng);
        let mut settings = match any_struct(self.settings.fields(), &mut self.rng, chance) {
            Value::Object(settings) => settings,
            _ => Map::new(),
        };
        reconcile(&mut settings);
        settings
    }

    fn operator_file(&mut self) -> Value {
        let step = shape::settings();
        let of_step = |field: &Field| step.fields().iter().any(|known| known.name == field.name);
        let own: Vec<Field> = self.operator.fields().iter().filter(|field| !of_step(field)).cloned().collect();
        let mut file = operator();
        let Value::Object(more) = any_struct(&own, &mut self.rng, 96) else { return file };
        let settings = self.settings();
        if let Some(file) = file.as_object_mut() {
            let required = |key: &str, value: &Value| file_needs(key) && value.is_null();
            let more: Vec<_> = more.into_iter().filter(|(key, value)| !required(key, value)).collect();
            file.extend(more);
            file.extend(settings);
        }
        file
    }

    fn mixed(&mut self, kind: CaseKind) -> Case {
        let document = match kind {
            CaseKind::Step => {
                let mut step = any_struct(self.step.fields(), &mut self.rng, 128);
                step["settings"] = Value::Object(self.settings());
                step
            }
            CaseKind::Operator => self.operator_file(),
            _ => Value::Object(self.settings()),
        };
        case(kind, "mixed".to_owned(), Intent::Valid, document, "")
    }

    fn broken(&mut self) -> Case {
        let (path, field) = pick(&self.settings.paths(), &mut self.rng);
        let (way, value) = pick(&wrong(&field.shape), &mut self.rng);
        let mut document = Value::Object(self.settings());
        put(&mut document, &self.settings, &path, value);
        let path = path.join(".");
        case(CaseKind::Settings, format!("mixed, `{path}`: {way}"), Intent::Broken, document, &path)
    }

    fn merged(&mut self) -> Case {
        let under = self.operator_file();
        let mut document = self.settings();
        // Merging is only interesting for settings in both files.
        let fields = self.settings.fields();
        for _ in 0..self.rng.usize(..4) {
            let field = pick(fields, &mut self.rng);
            if under.get(&field.name).is_some() {
                document.insert(field.name.clone(), any_right(&field.shape, &mut self.rng));
            }
        }
        reconcile(&mut document);
        Case {
            name: "mixed, merged".to_owned(),
            intent: Intent::Open,
            kind: CaseKind::Merged,
            document: Value::Object(document),
            operator: Some(under),
            paths: Vec::new(),
        }
    }
}

/// Returns whether ZenML's configuration requires this key.
fn file_needs(key: &str) -> bool {
    operator().get(key).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn covers_every_setting() {
        let cases = generate(7, 0);
        for intent in [Intent::Valid, Intent::Broken] {
            let generated: BTreeSet<&str> = cases
                .iter()
                .filter(|case| case.intent == intent)
                .flat_map(|case| case.paths.iter().map(String::as_str))
                .collect();
            for path in runai_spec::explain::setting_paths() {
                assert!(generated.contains(path.as_str()), "`{path}` is not generated {intent:?}");
            }
        }
    }

    #[test]
    fn accepts_valid_documents() {
        for case in generate(7, 6000).iter().filter(|case| case.intent == Intent::Valid) {
            let ours = case.run_core();
            assert!(ours.errors.is_empty(), "{}: {:?}\n{}", case.name, ours.errors, case.shown());
        }
    }

    #[test]
    fn rejects_broken_documents() {
        for case in generate(7, 6000).iter().filter(|case| case.intent == Intent::Broken) {
            assert!(!case.run_core().errors.is_empty(), "{}\n{}", case.name, case.shown());
        }
    }

    #[test]
    fn seed_is_deterministic() {
        let shown = |seed| generate(seed, 5000).iter().map(Case::shown).collect::<Vec<_>>();
        assert_eq!(shown(3), shown(3));
        assert_ne!(shown(3), shown(4));
    }
}
