//! Validates a document against a setting schema, and reports all problems in one pass.
//!
//! An invalid value is reported and then replaced, so that the rest of the document can be checked: an optional value is
//! removed, a required one becomes its example. Rules skip replaced values; a document with an error is never rendered.

mod fixes;
mod place;

use std::borrow::Cow;
use std::collections::HashSet;

use place::{Place, Segment};
use runai_syntax::{Entry, Map, Node, Span, Text, Tree, Value, float, unusual};

use crate::diagnostic::{RawDiagnostic, Reported, Tag};
use crate::fix::values::{self, of_range};
use crate::fix::{Applicability, FixPlan, Target};
use crate::help::{self, MANY_VALUES, bounds, brief, describe, expected, list, shorten};
use crate::rules::value as rule;
use crate::rules::{Rule, by_code};
use crate::setting_schema::{Field, Kind, Range, SettingSchema, StringSchema, StructSchema};
use crate::suggest::{Names, nearest};
use crate::zenml::{converted, placeholders};

/// Validates documents against setting schemas.
#[derive(Default)]
pub(crate) struct Validator {
    pub(crate) diagnostics: Vec<RawDiagnostic>,
    /// JSON pointers of values that are missing or were replaced, sorted.
    pub(crate) invalid: Vec<String>,
    /// Whether the document is ZenML's: pydantic converts values, and placeholders may replace them.
    pub(crate) zenml: bool,
    /// Whether a value is a placeholder.
    pub(crate) unresolved: bool,
    /// Whether fixes are not computed.
    pub(crate) probing: bool,
}

/// The keys of a struct, as suggestions for unknown keys.
struct KnownKeys<'k> {
    all: Names<'k>,
    /// The keys that the document does not set.
    unset: Names<'k>,
}

/// Returns where an unknown key belongs.
pub(crate) type KeyHints = fn(&str) -> Option<KeyHint>;

/// Where an unknown key belongs.
pub(crate) struct KeyHint {
    /// The help text.
    pub(crate) help: String,
    /// Whether the key belongs below `settings` in the same document.
    pub(crate) below_settings: bool,
}

impl From<String> for KeyHint {
    fn from(help: String) -> Self {
        Self { help, below_settings: false }
    }
}

impl Validator {
    /// Validates `node` at `pointer`, replaces invalid values, and returns whether it is usable.
    pub(crate) fn check(
        &mut self,
        node: &mut Node<'_>,
        schema: &SettingSchema,
        pointer: &[&str],
        key_hints: KeyHints,
    ) -> bool {
        let usable = self.value(node, schema, &Place { parent: None, segment: Segment::Root(pointer), key_hints });
        self.invalid.sort_unstable();
        usable
    }

    /// Returns whether the value is usable. Invalid values inside a list, map or struct are replaced.
    fn value(&mut self, node: &mut Node<'_>, schema: &SettingSchema, place: &Place<'_>) -> bool {
        if node.value == Value::Null && schema.nullable {
            return true;
        }
        if self.zenml {
            if matches!(&node.value, Value::String(text) if placeholders::has(&text.text)) {
                self.unresolved = true;
                return false;
            }
            if let Some(value) = converted(&node.value, schema) {
                node.value = value;
            }
        }
        match (&schema.kind, &mut node.value) {
            (Kind::Bool | Kind::ScalarText, Value::Bool(..))
            | (Kind::ScalarText, Value::String(_) | Value::Int(..) | Value::BigInt(_) | Value::Float(..)) => true,
            (Kind::Int(range), Value::Int(value, raw)) => {
                let (value, raw) = (*value, *raw);
                if !self.zenml && is_octal_looking(raw) {
                    return self.ambiguous_zero(node.span, place, raw, range, schema);
                }
                #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
                self.range(value as f64, raw, range, node.span, place, schema)
            }
            (Kind::Int(range), Value::Float(value, raw)) if value.fract() == 0.0 && value.abs() < 9.0e15 => {
                self.range(*value, raw, range, node.span, place, schema)
            }
            (Kind::Number(range), Value::Int(value, raw)) => {
                let (value, raw) = (*value, *raw);
                if !self.zenml && is_octal_looking(raw) {
                    return self.ambiguous_zero(node.span, place, raw, range, schema);
                }
                #[expect(clippy::cast_precision_loss, reason = "the setting is a float")]
                self.range(value as f64, raw, range, node.span, place, schema)
            }
            (Kind::Number(range), Value::Float(value, raw)) => self.range(*value, raw, range, node.span, place, schema),
            (Kind::Int(_) | Kind::Number(_), Value::BigInt(raw)) => {
                let raw = *raw;
                if matches!(schema.kind, Kind::Number(_))
                    && let Some(value) = float::parse(raw)
                {
                    node.value = Value::Float(value, raw);
                    return self.value(node, schema, place);
                }
                let message = format!("`{place}` is `{raw}`, which does not fit in 64 bits");
                let (Kind::Int(range) | Kind::Number(range)) = &schema.kind else { return false };
                let max = of_range(f64::MAX, range);
                let fixes = self.replacements(max, schema, node.span, place);
                self.report(&rule::OUT_OF_RANGE, place, node.span, message)
                    .with_help("write a smaller number")
                    .with_fixes(fixes);
                false
            }
            (Kind::String(string), Value::String(text)) => {
                self.string(&text.text, string, node.span, place, schema.secret)
            }
            (Kind::Enum(values), Value::String(text)) => self.one_of(&text.text, values, node.span, place, schema),
            (Kind::List { item, min_items }, Value::List(items)) => {
                if items.len() < *min_items {
                    let message = format!("`{place}` is an empty list");
                    let help = format!("write at least {min_items} item, such as `{}`", brief(&schema.example()));
                    let fix = self.removal(node.span, place, Applicability::Unsafe);
                    self.report(&rule::EMPTY_VALUE, place, node.span, message).with_help(help).with_fixes(fix);
                    return false;
                }
                self.items(items, item, place);
                true
            }
            (Kind::Map { key, value }, Value::Map(map)) => {
                self.entries(map, key, value, place);
                true
            }
            (Kind::Struct(structure), Value::Map(map)) => {
                self.fields(map, structure, node.span, place);
                true
            }
            _ => self.wrong_type(node, schema, place),
        }
    }

    fn items(&mut self, items: &mut [Node<'_>], schema: &SettingSchema, place: &Place<'_>) {
        for (index, item) in items.iter_mut().enumerate() {
            let place = place.below(Segment::Index(index));
            if !self.value(item, schema, &place) {
                self.invalid.push(place.pointer());
                *item = node_of(&schema.example(), item.span);
            }
        }
    }

    fn entries(&mut self, map: &mut Map<'_>, key_schema: &StringSchema, schema: &SettingSchema, place: &Place<'_>) {
        map.0.retain_mut(|entry| {
            if self.zenml && placeholders::has(&entry.key) {
                self.unresolved = true;
                self.invalid.push(place.below(Segment::Entry(&entry.key)).pointer());
                return false;
            }
            let key_fits =
                self.string(&entry.key, key_schema, entry.key_span, &place.below(Segment::KeyOf(&entry.key)), false);
            let place = place.below(Segment::Entry(&entry.key));
            let fits = self.value(&mut entry.value, schema, &place) && key_fits;
            if !fits {
                self.invalid.push(place.pointer());
            }
            fits
        });
    }

    fn fields(&mut self, map: &mut Map<'_>, structure: &StructSchema, span: Span, place: &Place<'_>) {
        let mut unknown = false;
        // Keys that were removed because they are invalid.
        let mut wrong = Vec::new();
        let both = if structure.has_aliases() { both_spellings(map, structure) } else { Vec::new() };
        map.0.retain_mut(|entry| {
            let Some(field) = structure.field(&entry.key) else {
                unknown = true;
                return true;
            };
            let stays = self.field(entry, field, &both, place);
            if !stays {
                wrong.push(entry.key.clone());
            }
            stays
        });
        if unknown {
            self.unknown_keys(map, structure, &wrong, place);
        }
        for field in structure.fields().iter().filter(|field| field.required) {
            if map.get(field.name).is_none() {
                self.missing_key(map, field, span, place);
            }
        }
    }

    /// Reports and removes unknown keys.
    fn unknown_keys(&mut self, map: &mut Map<'_>, structure: &StructSchema, wrong: &[Cow<'_, str>], place: &Place<'_>) {
        let written: HashSet<&str> =
            map.0.iter().map(|entry| &*entry.key).chain(wrong.iter().map(|key| &**key)).collect();
        let all = || structure.fields().iter().map(|field| field.name);
        let known =
            KnownKeys { all: Names::new(all()), unset: Names::new(all().filter(|name| !written.contains(name))) };
        map.0.retain(|entry| {
            let is_known = structure.field(&entry.key).is_some();
            if !is_known {
                self.unknown_key(entry, structure, &known, place);
            }
            is_known
        });
    }

    /// Validates an entry, and returns whether it stays in the map.
    fn field(&mut self, entry: &mut Entry<'_>, field: &Field, both: &[(&str, Span)], holder: &Place<'_>) -> bool {
        let place = holder.below(Segment::Field(&entry.key));
        if field.alias == Some(&*entry.key)
            && let Some((_, other)) = both.iter().find(|(name, _)| *name == field.name)
        {
            let message = format!("`{}` and `{}` are two spellings of one key", field.name, entry.key);
            let fix = self.removal(entry.value.span, &place, Applicability::Unsafe);
            self.report(&rule::BOTH_SPELLINGS, &place, entry.key_span, message)
                .with_help("keep one of them")
                .with_related(*other, format!("`{}` is set here", field.name))
                .with_fixes(fix);
            self.invalid.push(place.pointer());
            return false;
        }
        let before = self.diagnostics.len();
        if self.value(&mut entry.value, &field.schema, &place) {
            return true;
        }
        self.invalid.push(place.pointer());
        if field.required {
            self.keep_required(before, &place);
            entry.value = node_of(&field.schema.example(), entry.value.span);
        }
        field.required
    }

    fn unknown_key(&mut self, entry: &Entry<'_>, structure: &StructSchema, known: &KnownKeys<'_>, holder: &Place<'_>) {
        let key = &entry.key;
        let message = format!("unknown key `{key}`{}", holder.within());
        let near = known.unset.nearest(&unusual::plain(key));
        let hint = if near.is_none() && unusual::find(key).is_none() { (holder.key_hints)(key) } else { None };
        let below_settings = hint.as_ref().is_some_and(|hint| hint.below_settings);
        let help = match near {
            Some(near) if let Some(found) = unusual::find(key) => format!("{}: `{near}`", found.help()),
            Some(near) => format!("did you mean `{near}`?"),
            None if let Some(found) = unusual::find(key) => found.help(),
            None => hint
                .map(|hint| hint.help)
                .or_else(|| known.all.nearest(key).map(|near| format!("remove it; `{near}` is already set")))
                .unwrap_or_else(|| {
                    if structure.fields().len() > MANY_KEYS {
                        "remove it".to_owned()
                    } else {
                        format!("the known keys are {}", list(structure.fields().iter().map(|field| field.name)))
                    }
                }),
        };
        let rule = if structure.tolerant { &rule::UNKNOWN_TOLERATION_KEY } else { &rule::UNKNOWN_KEY };
        let place = holder.below(Segment::Field(key));
        let fixes = self.unknown_key_fixes(entry, near, known, structure, holder, below_settings);
        let reported = self.report(rule, &place, entry.key_span, message).with_help(help).with_fixes(fixes);
        if structure.tolerant {
            reported.with_tag(Tag::Unnecessary);
        } else {
            self.invalid.push(place.pointer());
        }
    }

    fn missing_key(&mut self, map: &mut Map<'_>, field: &Field, span: Span, holder: &Place<'_>) {
        let whole = span;
        // The first key is enough to locate the map; underlining the whole map would hide other problems.
        let span = map.0.first().map_or(span, |entry| entry.key_span);
        let message = format!("missing key `{}`{}", field.name, holder.within());
        let place = holder.below(Segment::Field(field.name));
        let target = Target::below((holder.pointer(), whole), field.name);
        let fix = FixPlan::add_setting(target, field.schema.example(), Applicability::DisplayOnly);
        self.report(&rule::MISSING_KEY, &place, span, message)
            .with_help(format!("add `{}: {}`", field.name, brief(&field.schema.example())))
            .with_fixes([fix]);
        self.invalid.push(place.pointer());
        map.0.push(Entry {
            key: Cow::Borrowed(field.name),
            key_span: span,
            value: node_of(&field.schema.example(), span),
        });
    }

    fn range(
        &mut self,
        value: f64,
        raw: &str,
        range: &Range,
        span: Span,
        place: &Place<'_>,
        schema: &SettingSchema,
    ) -> bool {
        // A substituted value is not in the source.
        let shown = value.to_string();
        let raw = if raw.is_empty() { &shown } else { raw };
        let (message, help) = if !value.is_finite() {
            (format!("`{place}` is `{raw}`, not a finite number"), "write a number".to_owned())
        } else if let Some(min) = range.min.filter(|min| value < *min) {
            (format!("`{place}` is `{raw}`, less than {min}"), bounds(range))
        } else if let Some(min) = range.exclusive_min.filter(|min| value <= *min) {
            (format!("`{place}` is `{raw}`, not more than {min}"), bounds(range))
        } else if let Some(max) = range.max.filter(|max| value > *max) {
            (format!("`{place}` is `{raw}`, more than {max}"), bounds(range))
        } else {
            return true;
        };
        let fixes = self.replacements(of_range(value, range), schema, span, place);
        self.report(&rule::OUT_OF_RANGE, place, span, message).with_help(help).with_fixes(fixes);
        false
    }

    fn string(&mut self, text: &str, schema: &StringSchema, span: Span, place: &Place<'_>, secret: bool) -> bool {
        if text.chars().take(schema.min_length).count() < schema.min_length {
            let message = format!("{} is empty", place.subject());
            let fix = self.removal(span, place, Applicability::Unsafe);
            self.report(&rule::EMPTY_VALUE, place, span, message)
                .with_help("write a value, or remove the key")
                .with_fixes(fix);
            return false;
        }
        if let Some(text_type) = schema.text {
            if !(text_type.matches)(text) {
                // An invalid URL may contain a password.
                let secret = secret || text_type.name == "base-url" && text.contains('@');
                let found = if secret { "is".to_owned() } else { format!("is `{}`,", shorten(text)) };
                let rule = by_code(text_type.rule).unwrap_or(&rule::WRONG_TYPE);
                let help = unusual::find(text)
                    .map(unusual::Unusual::help)
                    .or_else(|| (text_type.name == "memory").then(|| help::memory(text)).flatten())
                    .or_else(|| text_type.name.ends_with("object-name").then(|| help::dotted_name(text)).flatten())
                    .unwrap_or_else(|| text_type.help.to_owned());
                let message = format!("{} {found} not {}", place.subject(), text_type.expected);
                let fixes = self.text_fixes(text, schema, span, place, secret);
                self.report(rule, place, span, message).with_help(help).with_fixes(fixes);
                return false;
            }
            if text.ends_with('\n') {
                let message = format!("{} ends in a line break", place.subject());
                let target = Target::at(place.pointer(), span);
                let is_value = !secret && !matches!(place.segment, Segment::KeyOf(_));
                let fix =
                    is_value.then(|| FixPlan::replace_value(target, text.trim_end().to_owned(), Applicability::Unsafe));
                self.report(&rule::TRAILING_LINE_BREAK, place, span, message)
                    .with_help("write the string on one line, without `|`")
                    .with_fixes(fix);
            }
        }
        // Counting characters is only needed if there are more than `max` bytes.
        if let Some(max) = schema.max_length.filter(|max| text.len() > *max)
            && let length = text.chars().count()
            && length > max
        {
            let message = format!("{} is `{}`, which has {length} characters", place.subject(), shorten(text));
            let rule = if schema.text.is_some() { &rule::INVALID_LABEL } else { &rule::TOO_LONG };
            self.report(rule, place, span, message).with_help(format!("write up to {max} characters"));
            return false;
        }
        true
    }

    fn one_of(
        &mut self,
        text: &str,
        values: &[&'static str],
        span: Span,
        place: &Place<'_>,
        schema: &SettingSchema,
    ) -> bool {
        if values.contains(&text) {
            return true;
        }
        let message = format!("unknown value `{}` of `{place}`", shorten(text));
        let all = list(values.iter().copied());
        let help = match nearest(&unusual::plain(text), values.iter().copied()) {
            Some(near) if let Some(found) = unusual::find(text) => format!("{}: `{near}`", found.help()),
            Some(near) if values.len() > MANY_VALUES => format!("did you mean `{near}`?"),
            Some(near) => format!("did you mean `{near}`? The values are {all}"),
            None => format!("write one of {all}"),
        };
        let fixes = self.replacements(values::of_enum(text, values), schema, span, place);
        self.report(&rule::UNKNOWN_VALUE, place, span, message).with_help(help).with_fixes(fixes);
        false
    }

    fn ambiguous_zero(
        &mut self,
        span: Span,
        place: &Place<'_>,
        raw: &str,
        range: &Range,
        schema: &SettingSchema,
    ) -> bool {
        let message = format!("`{place}` is `{raw}`, which is octal in YAML 1.1 and decimal in YAML 1.2");
        let meanings = [10, 8].into_iter().filter_map(|radix| i64::from_str_radix(raw, radix).ok());
        #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
        let meanings: Vec<_> =
            meanings.filter(|value| help::fits(*value as f64, range)).map(|value| format!("`{value}`")).collect();
        let help = if meanings.is_empty() { bounds(range) } else { format!("write {}", meanings.join(" or ")) };
        let fixes = self.replacements(values::of_leading_zero(raw), schema, span, place);
        self.report(&rule::WRONG_TYPE, place, span, message).with_help(help).with_fixes(fixes);
        false
    }

    fn wrong_type(&mut self, node: &Node<'_>, schema: &SettingSchema, place: &Place<'_>) -> bool {
        let found = describe(&node.value, schema.secret);
        let message = format!("`{place}` is {found}, not {}", expected(schema));
        let unit = if matches!(place.segment, Segment::Field("command")) { Some(help::TOKENS) } else { schema.unit };
        let help = help::wrong_type(&node.value, schema, unit, self.zenml);
        let fixes = self.wrong_type_fixes(node, schema, unit, place);
        self.report(&rule::WRONG_TYPE, place, node.span, message).with_help(help).with_fixes(fixes);
        false
    }

    fn report(&mut self, rule: &'static Rule, place: &Place<'_>, span: Span, message: String) -> Reported<'_> {
        self.diagnostics.push(RawDiagnostic::new(rule, span, message).at(place.pointer()));
        let last = self.diagnostics.len() - 1;
        Reported(&mut self.diagnostics[last])
    }
}

/// Messages list the keys of structs with up to this many fields.
const MANY_KEYS: usize = 12;
/// Whether a number has a leading zero.
fn is_octal_looking(raw: &str) -> bool {
    raw.len() > 1 && raw.starts_with('0') && raw.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the names of the fields that `map` sets in both spellings, with the spans of the first spelling's keys.
fn both_spellings(map: &Map<'_>, structure: &StructSchema) -> Vec<(&'static str, Span)> {
    let fields = structure.fields().iter();
    let both = fields.filter(|field| field.alias.is_some_and(|alias| map.get(alias).is_some()));
    both.filter_map(|field| Some((field.name, map.entry(field.name)?.key_span))).collect()
}

/// Converts an example to a node whose values are all at `span`.
fn node_of<'t>(value: &Tree<'static>, span: Span) -> Node<'t> {
    let value = match value {
        Tree::Bool(value) => Value::Bool(*value, if *value { "true" } else { "false" }),
        Tree::Int(value) => Value::Int(*value, ""),
        Tree::Float(value, _) => Value::Float(*value, ""),
        Tree::Text(text) => Value::String(Text { text: text.clone(), plain: false }),
        Tree::List(items) => Value::List(items.iter().map(|item| node_of(item, span)).collect()),
        Tree::Map(map) => {
            let entry = |(key, value): &(Cow<'static, str>, Tree<'static>)| Entry {
                key: key.clone(),
                key_span: span,
                value: node_of(value, span),
            };
            Value::Map(Map(map.iter().map(entry).collect()))
        }
        // No example is any of these.
        Tree::Null | Tree::BigInt(_) | Tree::DateTime(_) => Value::Null,
    };
    Node { value, span }
}
