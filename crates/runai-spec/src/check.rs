//! The walk: a document held against a shape, all problems in one pass.
//!
//! What is wrong is reported and then mended in the tree, so that the rest can still be judged: an optional value is
//! taken out, a required one replaced by its example. Pointers of mended places are remembered, and no rule says
//! anything more about them; a document with an error is never rendered.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use runai_syntax::{Entry, Map, Node, Span, Text, Tree, Value, escape, float, unusual};

use crate::diagnostic::Finding;
use crate::help::{self, MANY_VALUES, bounds, brief, describe, expected, list, shorten};
use crate::rules::shape as rule;
use crate::rules::{Rule, by_code};
use crate::shape::{Field, Kind, Range, Shape, StringShape, StructShape};
use crate::suggest::{Names, nearest};
use crate::zenml::{converted, placeholders};

/// Holds documents against shapes.
#[derive(Default)]
pub(crate) struct Checker {
    pub(crate) findings: Vec<Finding>,
    /// Pointers of what is missing or was mended, in order.
    pub(crate) broken: Vec<String>,
    /// Whether the document is ZenML's, in which pydantic converts values and placeholders stand for others.
    pub(crate) zenml: bool,
    /// Whether a placeholder stands in place of a value.
    pub(crate) unresolved: bool,
}

/// The keys of a struct, as far as they may have been meant by one that is unknown.
struct KnownKeys<'k> {
    all: Names<'k>,
    /// Those that the text does not set.
    unset: Names<'k>,
}

/// Says where a key belongs that is unknown where it stands.
pub(crate) type Elsewhere = fn(&str) -> Option<String>;

impl Checker {
    /// Checks and mends `node`, which stands at `pointer`. `elsewhere` helps with keys that are known in other places.
    pub(crate) fn check(&mut self, node: &mut Node<'_>, shape: &Shape, pointer: &[&str], elsewhere: Elsewhere) -> bool {
        let usable = self.value(node, shape, &Place { holder: None, segment: Segment::Root(pointer), elsewhere });
        self.broken.sort_unstable();
        usable
    }

    /// Whether the value is usable; what is wrong inside a list, map or struct has been mended.
    fn value(&mut self, node: &mut Node<'_>, shape: &Shape, place: &Place<'_>) -> bool {
        if node.value == Value::Null && shape.nullable {
            return true;
        }
        if self.zenml {
            if matches!(&node.value, Value::String(text) if placeholders::has(&text.text)) {
                self.unresolved = true;
                return false;
            }
            if let Some(value) = converted(&node.value, shape) {
                node.value = value;
            }
        }
        match (&shape.kind, &mut node.value) {
            (Kind::Bool | Kind::ScalarText, Value::Bool(..))
            | (Kind::ScalarText, Value::String(_) | Value::Int(..) | Value::BigInt(_) | Value::Float(..)) => true,
            (Kind::Int(range), Value::Int(value, raw)) => {
                let (value, raw) = (*value, *raw);
                if !self.zenml && is_octal_looking(raw) {
                    return self.ambiguous_zero(node.span, place, raw, range);
                }
                #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
                self.range(value as f64, raw, range, node.span, place)
            }
            (Kind::Int(range), Value::Float(value, raw)) if value.fract() == 0.0 && value.abs() < 9.0e15 => {
                self.range(*value, raw, range, node.span, place)
            }
            (Kind::Number(range), Value::Int(value, raw)) => {
                let (value, raw) = (*value, *raw);
                if !self.zenml && is_octal_looking(raw) {
                    return self.ambiguous_zero(node.span, place, raw, range);
                }
                #[expect(clippy::cast_precision_loss, reason = "the setting is a float")]
                self.range(value as f64, raw, range, node.span, place)
            }
            (Kind::Number(range), Value::Float(value, raw)) => self.range(*value, raw, range, node.span, place),
            (Kind::Int(_) | Kind::Number(_), Value::BigInt(raw)) => {
                let raw = *raw;
                if matches!(shape.kind, Kind::Number(_))
                    && let Some(value) = float::parse(raw)
                {
                    node.value = Value::Float(value, raw);
                    return self.value(node, shape, place);
                }
                let message = format!("`{place}` is `{raw}`, which does not fit into 64 bits");
                self.report(&rule::OUT_OF_RANGE, place, node.span, message).advise("write a smaller number");
                false
            }
            (Kind::String(string), Value::String(text)) => {
                self.string(&text.text, string, node.span, place, shape.secret)
            }
            (Kind::Enum(values), Value::String(text)) => self.one_of(&text.text, values, node.span, place),
            (Kind::List { item, min_items }, Value::List(items)) => {
                if items.len() < *min_items {
                    let message = format!("`{place}` is an empty list");
                    let help = format!("write at least {min_items} item, such as `{}`", brief(&shape.example));
                    self.report(&rule::EMPTY_VALUE, place, node.span, message).advise(help);
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
            _ => self.wrong_type(node, shape, place),
        }
    }

    fn items(&mut self, items: &mut [Node<'_>], shape: &Shape, place: &Place<'_>) {
        for (index, item) in items.iter_mut().enumerate() {
            let place = place.below(Segment::Index(index));
            if !self.value(item, shape, &place) {
                self.broken.push(place.pointer());
                *item = node_of(&shape.example, item.span);
            }
        }
    }

    fn entries(&mut self, map: &mut Map<'_>, key_shape: &StringShape, shape: &Shape, place: &Place<'_>) {
        map.0.retain_mut(|entry| {
            if self.zenml && placeholders::has(&entry.key) {
                self.unresolved = true;
                self.broken.push(place.below(Segment::Entry(&entry.key)).pointer());
                return false;
            }
            let key_fits =
                self.string(&entry.key, key_shape, entry.key_span, &place.below(Segment::KeyOf(&entry.key)), false);
            let place = place.below(Segment::Entry(&entry.key));
            let fits = self.value(&mut entry.value, shape, &place) && key_fits;
            if !fits {
                self.broken.push(place.pointer());
            }
            fits
        });
    }

    fn fields(&mut self, map: &mut Map<'_>, structure: &StructShape, span: Span, place: &Place<'_>) {
        let mut unknown = false;
        // Written, and taken out because they are wrong.
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
            if map.get(&field.name).is_none() {
                self.missing_key(map, field, span, place);
            }
        }
    }

    /// Takes out, and reports, what the struct does not know.
    fn unknown_keys(&mut self, map: &mut Map<'_>, structure: &StructShape, wrong: &[Cow<'_, str>], place: &Place<'_>) {
        let written: HashSet<&str> =
            map.0.iter().map(|entry| &*entry.key).chain(wrong.iter().map(|key| &**key)).collect();
        let all = || structure.fields().iter().map(|field| field.name.as_str());
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

    /// Whether the entry stays.
    fn field(&mut self, entry: &mut Entry<'_>, field: &Field, both: &[&str], holder: &Place<'_>) -> bool {
        let place = holder.below(Segment::Field(&entry.key));
        if field.alias.as_deref() == Some(&*entry.key) && both.contains(&field.name.as_str()) {
            let message = format!("`{}` and `{}` are two spellings of one key", field.name, entry.key);
            self.report(&rule::BOTH_SPELLINGS, &place, entry.key_span, message).advise("keep one of them");
            self.broken.push(place.pointer());
            return false;
        }
        if self.value(&mut entry.value, &field.shape, &place) {
            return true;
        }
        self.broken.push(place.pointer());
        if field.required {
            entry.value = node_of(&field.shape.example, entry.value.span);
        }
        field.required
    }

    fn unknown_key(&mut self, entry: &Entry<'_>, structure: &StructShape, known: &KnownKeys<'_>, holder: &Place<'_>) {
        let key = &entry.key;
        let message = format!("unknown key `{key}`{}", holder.within());
        let help = match known.unset.nearest(&unusual::plain(key)) {
            Some(near) if let Some(found) = unusual::find(key) => format!("{}: `{near}`", found.help()),
            Some(near) => format!("did you mean `{near}`?"),
            None if let Some(found) = unusual::find(key) => found.help(),
            None => (holder.elsewhere)(key)
                .or_else(|| known.all.nearest(key).map(|near| format!("`{near}` is set already; remove this key")))
                .unwrap_or_else(|| {
                    if structure.fields().len() > MANY_KEYS {
                        "remove it; `runai-step explain SETTING` describes each setting".to_owned()
                    } else {
                        format!("known keys are {}", list(structure.fields().iter().map(|field| field.name.as_str())))
                    }
                }),
        };
        let rule = if structure.tolerant { &rule::UNKNOWN_TOLERATION_KEY } else { &rule::UNKNOWN_KEY };
        let place = holder.below(Segment::Field(key));
        self.report(rule, &place, entry.key_span, message).advise(help);
        if !structure.tolerant {
            self.broken.push(place.pointer());
        }
    }

    fn missing_key(&mut self, map: &mut Map<'_>, field: &Field, span: Span, holder: &Place<'_>) {
        // The whole map would be a large place to underline; its first key says as well where something is missing.
        let span = map.0.first().map_or(span, |entry| entry.key_span);
        let message = format!("`{}` is missing{}", field.name, holder.within());
        let place = holder.below(Segment::Field(&field.name));
        self.report(&rule::MISSING_KEY, &place, span, message).advise(format!(
            "add `{}: {}`",
            field.name,
            brief(&field.shape.example)
        ));
        self.broken.push(place.pointer());
        map.0.push(Entry {
            key: Cow::Owned(field.name.clone()),
            key_span: span,
            value: node_of(&field.shape.example, span),
        });
    }

    fn range(&mut self, value: f64, raw: &str, range: &Range, span: Span, place: &Place<'_>) -> bool {
        // What a variable was substituted by is written nowhere.
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
        self.report(&rule::OUT_OF_RANGE, place, span, message).advise(help);
        false
    }

    fn string(&mut self, text: &str, shape: &StringShape, span: Span, place: &Place<'_>, secret: bool) -> bool {
        if text.chars().take(shape.min_length).count() < shape.min_length {
            let message = format!("{} is empty", place.subject());
            self.report(&rule::EMPTY_VALUE, place, span, message).advise("write a text, or leave the key out");
            return false;
        }
        if let Some(text_type) = shape.text {
            if !(text_type.matches)(text) {
                // A URL that is wrong may hold a password all the same.
                let secret = secret || text_type.name == "base-url" && text.contains('@');
                let found = if secret { "is".to_owned() } else { format!("is `{}`,", shorten(text)) };
                let rule = by_code(text_type.rule).unwrap_or(&rule::WRONG_TYPE);
                let help = unusual::find(text)
                    .map(unusual::Unusual::help)
                    .or_else(|| (text_type.name == "memory").then(|| help::memory(text)).flatten())
                    .or_else(|| text_type.name.ends_with("object-name").then(|| help::dotted_name(text)).flatten())
                    .unwrap_or_else(|| text_type.help.to_owned());
                let message = format!("{} {found} not {}", place.subject(), text_type.expected);
                self.report(rule, place, span, message).advise(help);
                return false;
            }
            if text.ends_with('\n') {
                let message = format!("{} ends in a line break, which is sent as well", place.subject());
                self.report(&rule::TRAILING_LINE_BREAK, place, span, message)
                    .advise("write the text on one line, without `|`");
            }
        }
        // There are never more characters than bytes, which are known.
        if let Some(max) = shape.max_length.filter(|max| text.len() > *max)
            && let length = text.chars().count()
            && length > max
        {
            let message = format!("{} is `{}`: {length} characters, more than {max}", place.subject(), shorten(text));
            let rule = if shape.text.is_some() { &rule::INVALID_LABEL } else { &rule::TOO_LONG };
            self.report(rule, place, span, message).advise(format!("shorten it to {max} characters"));
            return false;
        }
        true
    }

    fn one_of(&mut self, text: &str, values: &[String], span: Span, place: &Place<'_>) -> bool {
        if values.iter().any(|value| value == text) {
            return true;
        }
        let message = format!("`{place}` is `{}`, which is not one of its values", shorten(text));
        let all = list(values.iter().map(String::as_str));
        let help = match nearest(&unusual::plain(text), values.iter().map(String::as_str)) {
            Some(near) if let Some(found) = unusual::find(text) => format!("{}: `{near}`", found.help()),
            Some(near) if values.len() > MANY_VALUES => format!("did you mean `{near}`?"),
            Some(near) => format!("did you mean `{near}`? Allowed are {all}"),
            None => format!("allowed are {all}"),
        };
        self.report(&rule::UNKNOWN_VALUE, place, span, message).advise(help);
        false
    }

    fn ambiguous_zero(&mut self, span: Span, place: &Place<'_>, raw: &str, range: &Range) -> bool {
        let message =
            format!("`{place}` is `{raw}`, which YAML 1.1 reads as an octal number and YAML 1.2 as a decimal one");
        let meanings = [10, 8].into_iter().filter_map(|radix| i64::from_str_radix(raw, radix).ok());
        #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
        let meanings: Vec<_> =
            meanings.filter(|value| help::fits(*value as f64, range)).map(|value| format!("`{value}`")).collect();
        let help = if meanings.is_empty() { bounds(range) } else { format!("write {}", meanings.join(" or ")) };
        self.report(&rule::WRONG_TYPE, place, span, message).advise(help);
        false
    }

    fn wrong_type(&mut self, node: &Node<'_>, shape: &Shape, place: &Place<'_>) -> bool {
        let found = describe(&node.value, shape.secret);
        let message = format!("`{place}` is {found}, not {}", expected(shape));
        let unit =
            if matches!(place.segment, Segment::Field("command")) { Some(help::TOKENS) } else { shape.unit.as_deref() };
        let help = help::wrong_type(&node.value, shape, unit, self.zenml);
        self.report(&rule::WRONG_TYPE, place, node.span, message).advise(help);
        false
    }

    fn report(&mut self, rule: &'static Rule, place: &Place<'_>, span: Span, message: String) -> &mut Finding {
        self.findings.push(Finding::new(rule, span, message).at(place.pointer()));
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

/// Where a value stands. Most values are right, so pointers and names are only made when there is something to say.
struct Place<'p> {
    holder: Option<&'p Place<'p>>,
    segment: Segment<'p>,
    elsewhere: Elsewhere,
}

#[derive(Clone, Copy)]
enum Segment<'p> {
    /// Of a map with free keys.
    Entry(&'p str),
    /// Of a struct.
    Field(&'p str),
    /// Of a list.
    Index(usize),
    /// The key of an entry, rather than its value.
    KeyOf(&'p str),
    /// What the walk begins at.
    Root(&'p [&'p str]),
}

impl<'p> Place<'p> {
    fn below(&'p self, segment: Segment<'p>) -> Self {
        Self { holder: Some(self), segment, elsewhere: self.elsewhere }
    }

    fn pointer(&self) -> String {
        let mut pointer = self.holder.map(Place::pointer).unwrap_or_default();
        let mut push = |segment: &str| {
            pointer.push('/');
            pointer.push_str(segment);
        };
        match self.segment {
            Segment::Entry(key) | Segment::Field(key) | Segment::KeyOf(key) => push(&escape(key)),
            Segment::Index(index) => push(&index.to_string()),
            Segment::Root(segments) => segments.iter().for_each(|segment| push(&escape(segment))),
        }
        pointer
    }

    fn subject(&self) -> String {
        if matches!(self.segment, Segment::KeyOf(_)) { format!("a key of `{self}`") } else { format!("`{self}`") }
    }

    fn within(&self) -> String {
        if matches!(self.segment, Segment::Root([])) { String::new() } else { format!(" in `{self}`") }
    }
}

/// The name in messages: the key of the nearest field, and what leads from there to the value.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.segment, self.holder) {
            (Segment::Root(segments), _) => f.write_str(segments.last().unwrap_or(&ROOT)),
            (Segment::Field(key), _) | (Segment::Entry(key) | Segment::KeyOf(key), None) => f.write_str(key),
            (Segment::Index(index), None) => write!(f, "[{index}]"),
            (Segment::Entry(key), Some(holder)) => write!(f, "{holder}.{key}"),
            (Segment::Index(index), Some(holder)) => write!(f, "{holder}[{index}]"),
            (Segment::KeyOf(_), Some(holder)) => holder.fmt(f),
        }
    }
}

/// Name of what has no key.
const ROOT: &str = "the document";
/// Structs with more fields than this are too long to list in a message.
const MANY_KEYS: usize = 12;
/// A leading zero in front of other digits.
fn is_octal_looking(raw: &str) -> bool {
    raw.len() > 1 && raw.starts_with('0') && raw.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names of the fields that `map` has in both spellings.
fn both_spellings<'s>(map: &Map<'_>, structure: &'s StructShape) -> Vec<&'s str> {
    let fields = structure.fields().iter();
    let both = fields.filter(|field| field.alias.as_ref().is_some_and(|alias| map.get(alias).is_some()));
    both.map(|field| field.name.as_str()).filter(|name| map.get(name).is_some()).collect()
}

/// An example as part of a document, all of it at one place.
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
