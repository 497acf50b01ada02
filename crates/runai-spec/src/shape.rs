//! The declared settings, compiled from their JSON Schema into what the check walks.
//!
//! The core reads the same schema that editors read, so the two agree on types, ranges, patterns, allowed values and
//! required keys by construction.

use std::sync::LazyLock;

use runai_syntax::Tree;
use rustc_hash::FxHashMap;

use crate::declared::Declared;
use crate::settings::{MAP_TEXT_TYPES, TEXT_TYPES, TextType};

/// A schema, as the files of `declared` hold it.
type Schema = Tree<'static>;

/// The shape of a step file.
pub(crate) static STEP_FILE: LazyLock<Shape> = LazyLock::new(|| Shape::compile(Declared::Step));
/// The shape of a step's settings alone.
pub(crate) static STEP_SETTINGS: LazyLock<Shape> = LazyLock::new(|| Shape::compile(Declared::Settings));
/// The shape of an operator file: its own keys and those of every step.
pub(crate) static OPERATOR_FILE: LazyLock<Shape> = LazyLock::new(|| {
    let mut shape = Shape::compile(Declared::Operator);
    if let (Kind::Struct(own), Kind::Struct(step)) = (&mut shape.kind, Shape::compile(Declared::Settings).kind) {
        *own = StructShape::new(own.fields.drain(..).chain(step.fields).collect(), own.tolerant);
    }
    shape
});

/// What a value may be.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Whether `null` stands for "not set".
    pub(crate) nullable: bool,
    pub(crate) kind: Kind,
    /// A right value, to go on with in place of a wrong one that cannot be left out.
    pub(crate) example: Tree<'static>,
    /// Whether a message must not show the value.
    pub(crate) secret: bool,
    /// What the value is measured in.
    pub(crate) unit: Option<String>,
}

/// The kinds of values.
#[derive(Debug)]
pub(crate) enum Kind {
    Bool,
    Int(Range),
    Number(Range),
    String(StringShape),
    /// One of these texts.
    Enum(Vec<String>),
    /// A string, or a number or boolean that is taken as its source text.
    ScalarText,
    List {
        item: Box<Shape>,
        min_items: usize,
    },
    Map {
        key: StringShape,
        value: Box<Shape>,
    },
    Struct(StructShape),
}

/// Bounds of a number.
#[derive(Debug, Default)]
pub(crate) struct Range {
    pub(crate) min: Option<f64>,
    pub(crate) exclusive_min: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// What a string has to look like.
#[derive(Debug, Default)]
pub(crate) struct StringShape {
    pub(crate) text: Option<&'static TextType>,
    /// In characters.
    pub(crate) min_length: usize,
    /// In characters.
    pub(crate) max_length: Option<usize>,
}

/// The fields of a struct.
#[derive(Debug)]
pub(crate) struct StructShape {
    /// By name.
    fields: Vec<Field>,
    /// Indices of the fields by their names and second spellings.
    by_key: FxHashMap<String, usize>,
    /// Whether a key that is not known is only worth a warning.
    pub(crate) tolerant: bool,
}

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// A second spelling.
    pub(crate) alias: Option<String>,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
    pub(crate) docs: FieldDocs,
}

/// What is said about a field.
#[derive(Debug)]
pub(crate) struct FieldDocs {
    pub(crate) description: String,
    pub(crate) default: Option<Tree<'static>>,
    pub(crate) api: Option<String>,
    pub(crate) unit: Option<String>,
}

impl StructShape {
    fn new(mut fields: Vec<Field>, tolerant: bool) -> Self {
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let mut by_key = FxHashMap::default();
        for (index, field) in fields.iter().enumerate() {
            by_key.extend(
                [Some(&field.name), field.alias.as_ref()].into_iter().flatten().map(|key| (key.clone(), index)),
            );
        }
        Self { fields, by_key, tolerant }
    }

    /// The field with this name or second spelling.
    pub(crate) fn field(&self, key: &str) -> Option<&Field> {
        self.by_key.get(key).map(|index| &self.fields[*index])
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether any field has a second spelling.
    pub(crate) fn has_aliases(&self) -> bool {
        self.by_key.len() > self.fields.len()
    }
}

impl Shape {
    fn compile(declared: Declared) -> Self {
        Self::object(&declared.schema())
    }

    fn object(schema: &Schema) -> Self {
        let types = types(schema);
        let secret = schema.get("x-secret").is_some();
        let mut kind = Self::kind(schema, &types);
        let example = example(schema, &kind);
        // What shows the list shows its items as well.
        if let (Kind::List { item, .. }, Some(first)) = (&mut kind, example.items().first()) {
            item.example = first.clone();
        }
        let unit = schema.get("x-unit").and_then(Tree::as_str).map(str::to_owned);
        Self { nullable: types.contains(&"null"), kind, example, secret, unit }
    }

    fn kind(schema: &Schema, types: &[&str]) -> Kind {
        if let Some(values) = enum_values(schema) {
            return Kind::Enum(values);
        }
        if let Some(name) = schema.get("$ref").and_then(Tree::as_str) {
            return Self::compile(Declared::named(name)).kind;
        }
        // An optional struct or enum: the schema of the type beside that of null.
        if let Some(options) = schema.get("anyOf") {
            let option = options.items().iter().find(|option| !types_are_null(option));
            return option
                .map_or_else(|| unreachable!("an option beside null: {schema:?}"), |option| Self::object(option).kind);
        }
        if schema.text_of("x-text") == "scalar" {
            return Kind::ScalarText;
        }
        match types.iter().find(|name| **name != "null").copied() {
            Some("boolean") => Kind::Bool,
            Some("integer") => Kind::Int(range(schema)),
            Some("number") => Kind::Number(range(schema)),
            Some("string") => Kind::String(string(schema)),
            Some("array") => Kind::List {
                item: Box::new(child(schema, "items")),
                min_items: length(schema, "minItems").unwrap_or(0),
            },
            Some("object") if schema.get("properties").is_some() => Kind::Struct(structure(schema)),
            Some("object") => Kind::Map {
                key: schema.get("propertyNames").map(string).unwrap_or_default(),
                value: Box::new(child(schema, "additionalProperties")),
            },
            _ => unreachable!("no settings type has this schema: {schema:?}"),
        }
    }
}

fn structure(schema: &Schema) -> StructShape {
    let required = schema.get("required").map(Tree::items).unwrap_or_default();
    let properties = schema.get("properties").map(Tree::entries).unwrap_or_default();
    let fields = properties.iter().map(|(name, property)| {
        let text = |key: &str| property.get(key).and_then(Tree::as_str).map(str::to_owned);
        Field {
            name: name.to_string(),
            alias: text("x-alias"),
            required: required.iter().any(|required| required.as_str() == Some(name)),
            shape: Shape::object(property),
            docs: FieldDocs {
                description: text("description").unwrap_or_default(),
                default: property.get("default").filter(|default| !matches!(default, Tree::Null)).cloned(),
                api: text("x-api"),
                unit: text("x-unit"),
            },
        }
    });
    let tolerant = schema.get("x-unknown-keys").is_some();
    StructShape::new(fields.collect(), tolerant)
}

fn types(schema: &Schema) -> Vec<&str> {
    let mut names = match schema.get("type") {
        Some(Tree::Text(name)) => vec![&**name],
        Some(Tree::List(names)) => names.iter().filter_map(Tree::as_str).collect(),
        _ => Vec::new(),
    };
    if schema.get("anyOf").is_some_and(|options| options.items().iter().any(types_are_null)) {
        names.push("null");
    }
    names
}

fn types_are_null(schema: &Schema) -> bool {
    schema.text_of("type") == "null"
}

/// The texts of an `enum`, or of the `oneOf` of constants that documented variants become.
fn enum_values(schema: &Schema) -> Option<Vec<String>> {
    let texts = |values: &Schema| values.items().iter().filter_map(Tree::as_str).map(str::to_owned).collect::<Vec<_>>();
    if let Some(values) = schema.get("enum") {
        return Some(texts(values));
    }
    let mut values = Vec::new();
    for variant in schema.get("oneOf")?.items() {
        match (variant.get("const").and_then(Tree::as_str), variant.get("enum")) {
            (Some(value), _) => values.push(value.to_owned()),
            (None, Some(more)) => values.extend(texts(more)),
            (None, None) => return None,
        }
    }
    Some(values)
}

fn range(schema: &Schema) -> Range {
    let bound = |key: &str| schema.get(key).and_then(Tree::as_f64);
    Range { min: bound("minimum"), exclusive_min: bound("exclusiveMinimum"), max: bound("maximum") }
}

fn string(schema: &Schema) -> StringShape {
    let name = schema.text_of("x-text");
    let text = TEXT_TYPES.iter().chain(MAP_TEXT_TYPES).find(|text_type| text_type.name == name);
    StringShape { text, min_length: length(schema, "minLength").unwrap_or(0), max_length: length(schema, "maxLength") }
}

fn length(schema: &Schema, key: &str) -> Option<usize> {
    match schema.get(key)? {
        Tree::Int(length) => usize::try_from(*length).ok(),
        _ => None,
    }
}

fn child(schema: &Schema, key: &str) -> Shape {
    schema.get(key).map_or_else(|| unreachable!("a list or map says what it holds"), Shape::object)
}

/// The first example of the schema, or its default, or a value that the shape itself implies.
fn example(schema: &Schema, kind: &Kind) -> Tree<'static> {
    if let Some(example) = schema.get("examples").and_then(|examples| examples.items().first()) {
        return example.clone();
    }
    if let Some(default) = schema.get("default").filter(|default| !matches!(default, Tree::Null)) {
        return default.clone();
    }
    match kind {
        Kind::Bool => false.into(),
        #[expect(clippy::cast_possible_truncation, reason = "bounds are small")]
        Kind::Int(range) => range.min.map_or(0, |min| min as i64).into(),
        Kind::Number(range) => range.min.unwrap_or(1.0).into(),
        Kind::String(string) => string.text.map_or("x", |text| text.example).into(),
        Kind::Enum(values) => values.first().cloned().unwrap_or_default().into(),
        Kind::ScalarText => "".into(),
        Kind::List { .. } => Tree::List(Vec::new()),
        Kind::Map { .. } => Tree::Map(Vec::new()),
        Kind::Struct(structure) => {
            let required = structure.fields.iter().filter(|field| field.required);
            Tree::Map(required.map(|field| (field.name.clone().into(), field.shape.example.clone())).collect())
        }
    }
}
