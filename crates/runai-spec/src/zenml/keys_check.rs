//! Checks the keys of a run configuration and the types of their values, as ZenML's pydantic models do.

use std::borrow::Cow;

use runai_syntax::{Entry, Format, Map, Node, Tree, Value, escape, yaml::yaml11};

use super::keys::{
    Key, OTHER_FLAVORS, RUN_KEYS, RUNAI_FLAVOR, STEP_KEYS, STEP_OPERATOR, Selector, Type, is_of_other_flavor,
    is_setting_key, nearest_flavor, nearest_setting_key,
};
use super::{ENVIRONMENT, STEPS, lax, placeholders};
use crate::diagnostic::{RawDiagnostic, Tag};
use crate::fix::{Applicability, Change, FixPlan, Target};
use crate::help;
use crate::resolve::{ResolveContext, SETTINGS_KEY};
use crate::rules::{Rule, value, zenml as rule};
use crate::suggest::nearest;

impl<'t> ResolveContext<'t> {
    /// Checks keys and types. Like ZenML, it does so before placeholders are substituted.
    pub(super) fn run_configuration_keys(&mut self, root: &Node<'t>) {
        let Some(map) = root.as_map() else { return };
        self.fields(map, &RUN_KEYS, "");
        if let Some(settings) = map.get(SETTINGS_KEY).and_then(Node::as_map) {
            self.setting_keys(settings, &format!("/{SETTINGS_KEY}"));
        }
        let Some(steps) = map.get(STEPS).and_then(Node::as_map) else { return };
        for step in &steps.0 {
            let pointer = format!("/{STEPS}/{}", escape(&step.key));
            match &step.value.value {
                Value::Map(map) => {
                    self.fields(map, &STEP_KEYS, &pointer);
                    if let Some(settings) = map.get(SETTINGS_KEY).and_then(Node::as_map) {
                        self.setting_keys(settings, &format!("{pointer}/{SETTINGS_KEY}"));
                    }
                }
                _ => self.mistyped(&step.key, &step.value, "a map", &pointer),
            }
        }
    }

    fn fields(&mut self, map: &Map<'t>, known: &'static [Key], pointer: &str) {
        for entry in &map.0 {
            let place = format!("{pointer}/{}", escape(&entry.key));
            match known.iter().find(|key| key.name == entry.key) {
                Some(key) => self.field(entry, key, &place),
                None => self.unknown_field(entry, known, &place),
            }
        }
    }

    fn field(&mut self, entry: &Entry<'t>, key: &Key, pointer: &str) {
        let Entry { value: node, .. } = entry;
        let name = key.name;
        match (key.of, &node.value) {
            (_, Value::Null) if key.nullable => {}
            (Type::Anything, value) if *value != Value::Null => {}
            (Type::Bool | Type::BoolOrText, value) if lax::boolean(value).is_some() => {}
            (Type::BoolOrText | Type::Text, Value::String(_)) => {}
            (Type::BoolOrText, Value::Map(_)) if name == STEP_OPERATOR => {
                let message = format!("`{name}` is a map, not the name of a step operator");
                let diagnostic = RawDiagnostic::new(&rule::MISPLACED_BLOCK, node.span, message).at(pointer);
                let help = format!("move the map below `settings:`, as `{STEP_OPERATOR}`");
                self.diagnostics.push(diagnostic.with_help(help).with_fix(move_below_settings(entry, pointer)));
            }
            (Type::OneOf(values), Value::String(text)) if values.contains(&&*text.text) => {}
            (Type::OneOf(values), Value::String(text)) => {
                let message = format!("unknown value `{}` of `{name}`", text.text);
                let diagnostic = RawDiagnostic::new(&value::UNKNOWN_VALUE, node.span, message).at(pointer);
                let near = nearest(&text.text, values.iter().copied());
                let target = || Target::at(pointer, node.span);
                let fix = near.map(|near| FixPlan::replace_value(target(), near.to_owned(), Applicability::Safe));
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                self.diagnostics
                    .push(diagnostic.with_help(format!("write one of {}", values.join(", "))).with_fix(fix));
            }
            (Type::Texts, Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    if !matches!(item.value, Value::String(_) | Value::Map(_)) {
                        self.mistyped(&format!("{name}[{index}]"), item, "a string", &format!("{pointer}/{index}"));
                    }
                }
            }
            (Type::Map, Value::Map(map)) => {
                if name != SETTINGS_KEY {
                    self.text_keys(name, map, pointer);
                }
            }
            (Type::TextMap, Value::Map(map)) => {
                self.text_keys(name, map, pointer);
                for entry in &map.0 {
                    if entry.value.as_str().is_none() {
                        let place = format!("{pointer}/{}", escape(&entry.key));
                        self.mistyped(&format!("{name}.{}", entry.key), &entry.value, "a string", &place);
                    }
                }
            }
            (of, _) => {
                let expected = match of {
                    Type::Bool => "a boolean",
                    Type::BoolOrText => "a boolean or a string",
                    Type::Texts => "a list",
                    Type::Map | Type::TextMap => "a map",
                    Type::Text | Type::OneOf(_) => "a string",
                    Type::Anything => "a value",
                };
                self.mistyped(name, node, expected, pointer);
            }
        }
    }

    fn unknown_field(&mut self, entry: &Entry<'t>, known: &'static [Key], pointer: &str) {
        let key = &*entry.key;
        let as_setting =
            if is_setting_key(key) { Some(Cow::Borrowed(key)) } else { nearest_setting_key(key).map(Cow::Owned) };
        let is_block = as_setting.as_deref().is_some_and(|key| Selector::of(key).is_some());
        if is_block && entry.value.as_map().is_some() {
            let message = format!("`{key}` is outside `{SETTINGS_KEY}`, and ZenML ignores it");
            let diagnostic = RawDiagnostic::new(&rule::MISPLACED_BLOCK, entry.key_span, message).at(pointer);
            let fix = move_below_settings(entry, pointer);
            self.diagnostics.push(diagnostic.with_help(format!("move it below `{SETTINGS_KEY}:`")).with_fix(fix));
            return;
        }
        let names = known.iter().map(|key| key.name);
        let near = nearest(key, names).filter(|near| *near != key);
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if is_setting_key(key) => format!("move it below `{SETTINGS_KEY}:`"),
            None => return,
        };
        let message = format!("ZenML ignores the unknown key `{key}`");
        let fix = near.map(|near| FixPlan::rename_key(entry.key_span, key, near, Applicability::Unsafe));
        let found = RawDiagnostic::new(&rule::IGNORED_KEY, entry.key_span, message).at(pointer);
        self.diagnostics.push(found.with_help(help).with_tag(Tag::Unnecessary).with_fix(fix));
    }

    fn setting_keys(&mut self, settings: &Map<'t>, pointer: &str) {
        self.text_keys(SETTINGS_KEY, settings, pointer);
        for entry in &settings.0 {
            let key = &*entry.key;
            let place = format!("{pointer}/{}", escape(key));
            // A key with a placeholder can only be checked after substitution.
            let unknown = placeholders::has(key) && self.process_environment.is_none();
            if !is_setting_key(key) && !unknown && self.non_string_key(entry).is_none() {
                let message = format!("invalid key `{key}` in `{SETTINGS_KEY}`, which ZenML rejects");
                let near = nearest_setting_key(key);
                let rename = |near: &String| FixPlan::rename_key(entry.key_span, key, near, Applicability::Safe);
                let fix = near.as_ref().map(rename);
                let help = near.map_or_else(
                    || {
                        "write a stack component, such as `step_operator.runai`, or `docker`, `resources` or `deployment`"
                            .to_owned()
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                let diagnostic = RawDiagnostic::new(&rule::INVALID_SETTING_KEY, entry.key_span, message);
                self.diagnostics.push(diagnostic.at(&place).with_help(help).with_fix(fix));
            }
            match &entry.value.value {
                Value::Map(map)
                    if Selector::of(key).is_some_and(Selector::may_be_runai) && !is_of_other_flavor(map) =>
                {
                    self.block_keys(&entry.value, key, &place);
                }
                Value::Map(map) => self.text_keys(key, map, &place),
                _ => self.mistyped(key, &entry.value, "a map", &place),
            }
            if let Some(Selector::Flavor(flavor)) = Selector::of(key) {
                self.flavor(entry, flavor, &place);
            }
        }
        self.conflicts(settings, pointer);
    }

    fn flavor(&mut self, entry: &Entry<'t>, flavor: &str, pointer: &str) {
        if flavor == RUNAI_FLAVOR || OTHER_FLAVORS.contains(&flavor) || placeholders::has(flavor) {
            return;
        }
        let message = format!("unknown step operator flavor `{flavor}`, whose block ZenML 0.98 ignores");
        let near = nearest_flavor(flavor).map(|near| format!("{STEP_OPERATOR}.{near}"));
        let rename = |near: &String| FixPlan::rename_key(entry.key_span, &entry.key, near, Applicability::Unsafe);
        let fix = near.as_ref().map(rename);
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write `runai`, unless it is a custom flavor".to_owned(),
        };
        let diagnostic = RawDiagnostic::new(&rule::UNKNOWN_FLAVOR, entry.key_span, message);
        self.diagnostics.push(diagnostic.at(pointer).with_help(help).with_fix(fix));
    }

    /// Reports two keys for one step operator, which ZenML rejects.
    fn conflicts(&mut self, settings: &Map<'t>, pointer: &str) {
        let blocks = super::blocks_of(settings);
        let flavor = blocks.iter().find(|block| matches!(block.selector, Selector::Flavor(_)));
        let Some(flavor) = flavor else { return };
        for block in blocks.iter().filter(|block| !matches!(block.selector, Selector::Flavor(_))) {
            let (one, two) = (&flavor.entry.key, &block.entry.key);
            let message = format!("`{two}` and `{one}` configure the same step operator");
            let place = format!("{pointer}/{}", escape(two));
            let diagnostic = RawDiagnostic::new(&rule::CONFLICTING_BLOCKS, block.entry.key_span, message);
            let diagnostic = diagnostic.at(place).with_help("merge the two blocks; ZenML rejects the file");
            self.diagnostics
                .push(diagnostic.with_related(flavor.entry.key_span, format!("`{one}` is the other block")));
        }
    }

    /// Reports keys of a block that are not strings, at any depth.
    fn block_keys(&mut self, node: &Node<'t>, name: &str, pointer: &str) {
        match &node.value {
            Value::Map(map) => {
                self.text_keys(name, map, pointer);
                for entry in &map.0 {
                    self.block_keys(&entry.value, &entry.key, &format!("{pointer}/{}", escape(&entry.key)));
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.block_keys(item, name, &format!("{pointer}/{index}"));
                }
            }
            _ => {}
        }
    }

    fn text_keys(&mut self, name: &str, map: &Map<'t>, pointer: &str) {
        for entry in &map.0 {
            let Some(meaning) = self.non_string_key(entry) else { continue };
            let key = Node { value: meaning, span: entry.key_span };
            let message = format!("a key of `{name}` is {}, not a string", help::describe(&key.value, false));
            let help = help::yaml11(&key.value).unwrap_or_else(|| format!("quote it: `\"{}\"`", entry.key));
            let diagnostic = RawDiagnostic::new(&value::WRONG_TYPE, entry.key_span, message);
            let quoted = format!("\"{}\"", entry.key);
            let title = format!("Write `{quoted}` in quotes");
            let fix = FixPlan::replace_text(entry.key_span, quoted, title, Applicability::Safe);
            self.diagnostics
                .push(diagnostic.at(format!("{pointer}/{}", escape(&entry.key))).with_help(help).with_fix(fix));
        }
    }

    /// Returns the value that YAML 1.1 reads a key as, unless it is a string.
    fn non_string_key(&self, entry: &Entry<'t>) -> Option<Value<'t>> {
        let source = self.sources.get(usize::from(entry.key_span.source.0))?;
        let text = Some(source.text).filter(|_| source.format != Format::Toml)?;
        let raw = text.get(entry.key_span.start as usize..entry.key_span.end as usize)?;
        // The source differs for aliases and for substituted keys.
        (raw == entry.key).then(|| yaml11::scalar(raw, raw).ok().flatten())?
    }

    fn mistyped(&mut self, name: &str, node: &Node<'t>, expected: &str, pointer: &str) {
        self.report_type(&value::WRONG_TYPE, name, node, expected, pointer);
    }

    fn report_type(&mut self, rule: &'static Rule, name: &str, node: &Node<'t>, expected: &str, pointer: &str) {
        let message = format!("`{name}` is {}, not {expected}", help::describe(&node.value, false));
        let quotes = |value: &Value<'t>| help::yaml11(value).filter(|_| expected.contains("string"));
        let help = match &node.value {
            Value::Null if expected == "a map" => "write a map, or remove the key".to_owned(),
            Value::Null => "remove the key".to_owned(),
            Value::List(_) if expected == "a map" && pointer.ends_with(ENVIRONMENT) => {
                "write a map, with one line per variable: `NAME: value`".to_owned()
            }
            Value::Int(_, raw)
            | Value::BigInt(raw)
            | Value::Float(_, raw)
            | Value::Bool(_, raw)
            | Value::DateTime(raw)
                if expected.contains("string") =>
            {
                quotes(&node.value).unwrap_or_else(|| format!("quote it: `\"{raw}\"`"))
            }
            _ => format!("write {expected}"),
        };
        let raw = help::raw(&node.value);
        let target = || Target::at(pointer, node.span);
        let fix = match &node.value {
            Value::Null => Some(FixPlan::remove(target(), Applicability::Safe)),
            _ if expected.contains("string") && !raw.is_empty() => {
                Some(FixPlan::replace_value(target(), raw.to_owned(), Applicability::Safe))
            }
            _ => None,
        };
        self.diagnostics.push(RawDiagnostic::new(rule, node.span, message).at(pointer).with_help(help).with_fix(fix));
    }
}

/// Returns the fix that moves a block into `settings`.
fn move_below_settings(entry: &Entry<'_>, pointer: &str) -> FixPlan {
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let from = Target::at(pointer, entry.value.span);
    let to = Target::at(format!("{parent}/{SETTINGS_KEY}/{}", escape(&entry.key)), entry.value.span);
    let value = Tree::from(&entry.value).into_owned();
    let title = format!("Write `{}` below `{SETTINGS_KEY}`", entry.key);
    FixPlan::new(title, Applicability::Safe, vec![Change::Remove(from), Change::Insert(to, value)])
}
