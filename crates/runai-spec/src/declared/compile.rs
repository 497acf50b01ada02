//! Compiles the declared schemas to the source of `shapes.rs`: what the check walks, as statics.

use std::fmt::Write as _;

use runai_syntax::Tree;

use super::Declared;
use crate::settings::{MAP_TEXT_TYPES, TEXT_TYPES};
use crate::shape::Range;

/// A schema, as the files of this folder hold it.
type Schema = Tree<'static>;

/// The source of `shapes.rs`.
pub(super) fn shapes() -> String {
    let mut compiler = Compiler { source: HEAD.to_owned() };
    let settings = compiler.fields(&Declared::Settings.schema(), SETTINGS);
    let step = compiler.fields(&Declared::Step.schema(), "STEP");
    let operator = compiler.fields(&Declared::Operator.schema(), "OPERATOR");
    let operator = operator.into_iter().chain(settings.clone()).collect();
    for (name, fields, shape) in
        [(SETTINGS, settings, "STEP_SETTINGS"), ("STEP", step, "STEP_FILE"), ("OPERATOR", operator, "OPERATOR_FILE")]
    {
        let example = compiler.structure(name, fields, false);
        let source = shape_source(false, &format!("Kind::Struct(&{name})"), &example, false, None);
        let _ = writeln!(compiler.source, "pub(crate) static {shape}: Shape = {source};");
    }
    compiler.source
}

const HEAD: &str = "\
//! The settings as the check reads them. Written by `cargo xtask schema`.

use crate::shape::{Field, Kind, Range, Shape, StringShape, StructShape, text_type};

";

/// The struct that the reference of the step file names.
const SETTINGS: &str = "SETTINGS";

struct Compiler {
    source: String,
}

/// A field that is written down.
#[derive(Clone)]
struct Compiled {
    name: String,
    /// The static that it is.
    place: String,
    /// Its example, if it is required.
    required: Option<Tree<'static>>,
}

impl Compiler {
    /// Writes the fields of a struct.
    fn fields(&mut self, schema: &Schema, path: &str) -> Vec<Compiled> {
        let required = schema.get("required").map(Tree::items).unwrap_or_default();
        let properties = schema.get("properties").map(Tree::entries).unwrap_or_default();
        let mut compiled = Vec::new();
        let mut fields = String::new();
        for (index, (name, property)) in properties.iter().enumerate() {
            let text = |key: &str| property.get(key).and_then(Tree::as_str);
            let is_required = required.iter().any(|required| required.as_str() == Some(name));
            let (shape, example) = self.shape(property, &format!("{path}_{}", name.to_uppercase()), None);
            let (alias, api) = (text("x-alias"), text("x-api"));
            let _ = writeln!(
                fields,
                "    Field {{ name: {name:?}, alias: {alias:?}, required: {is_required}, api: {api:?}, shape: {shape} }},"
            );
            let (name, place) = (name.to_string(), format!("&{path}_FIELDS[{index}]"));
            compiled.push(Compiled { name, place, required: is_required.then_some(example) });
        }
        let _ = writeln!(self.source, "static {path}_FIELDS: [Field; {}] = [\n{fields}];", compiled.len());
        compiled
    }

    /// Writes a struct, and returns its example.
    fn structure(&mut self, path: &str, mut fields: Vec<Compiled>, tolerant: bool) -> Tree<'static> {
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        let places: Vec<_> = fields.iter().map(|field| &*field.place).collect();
        let places = places.join(", ");
        let _ = writeln!(
            self.source,
            "static {path}: StructShape = StructShape::new(&[{places}], {tolerant}, || {path}.keys());"
        );
        let example = |field: Compiled| Some((field.name.into(), field.required?));
        Tree::Map(fields.into_iter().filter_map(example).collect())
    }

    /// The source of a shape, and its example: the one that is given, else the first example of the schema, or its
    /// default, or a value that the shape itself implies.
    fn shape(&mut self, schema: &Schema, path: &str, given: Option<&Schema>) -> (String, Tree<'static>) {
        let types = types(schema);
        let example = schema.get("examples").and_then(|examples| examples.items().first());
        let default = schema.get("default").filter(|default| !matches!(default, Tree::Null));
        let declared = given.or(example).or(default);
        let (kind, implied) = self.kind(schema, &types, path, declared);
        let example = declared.cloned().unwrap_or(implied);
        let secret = schema.get("x-secret").is_some();
        let unit = schema.get("x-unit").and_then(Tree::as_str);
        (shape_source(types.contains(&"null"), &kind, &example, secret, unit), example)
    }

    /// The source of a kind, and the example that it implies.
    fn kind(&mut self, schema: &Schema, types: &[&str], path: &str, example: Option<&Schema>) -> (String, Schema) {
        if let Some(values) = enum_values(schema) {
            let first = values.first().map_or_else(String::new, |first| (*first).to_owned());
            return (format!("Kind::Enum(&{values:?})"), first.into());
        }
        if schema.text_of("$ref") == Declared::Settings.name() {
            return (format!("Kind::Struct(&{SETTINGS})"), Tree::Map(Vec::new()));
        }
        // An optional struct or enum: the schema of the type beside that of null.
        if let Some(options) = schema.get("anyOf") {
            let option = options.items().iter().find(|option| !types_are_null(option));
            let option = option.unwrap_or_else(|| unreachable!("an option beside null: {schema:?}"));
            return self.kind(option, &self::types(option), path, example);
        }
        if schema.text_of("x-text") == "scalar" {
            return ("Kind::ScalarText".to_owned(), "".into());
        }
        match types.iter().find(|name| **name != "null").copied() {
            Some("boolean") => ("Kind::Bool".to_owned(), false.into()),
            Some("integer") => {
                let range = range(schema);
                #[expect(clippy::cast_possible_truncation, reason = "bounds are small")]
                let min = range.min.map_or(0, |min| min as i64);
                (format!("Kind::Int({range:?})"), min.into())
            }
            Some("number") => {
                let range = range(schema);
                (format!("Kind::Number({range:?})"), range.min.unwrap_or(1.0).into())
            }
            Some("string") => {
                let name = schema.text_of("x-text");
                let text = TEXT_TYPES.iter().chain(MAP_TEXT_TYPES).find(|text_type| text_type.name == name);
                (format!("Kind::String({})", string(schema)), text.map_or("x", |text| text.example).into())
            }
            Some("array") => {
                // An example of the list contains one of an item.
                let first = example.and_then(|example| example.items().first());
                let (item, _) = self.shape(child(schema, "items"), path, first);
                let min_items = length(schema, "minItems").unwrap_or(0);
                (format!("Kind::List {{ item: &{item}, min_items: {min_items} }}"), Tree::List(Vec::new()))
            }
            Some("object") if schema.get("properties").is_some() => {
                let fields = self.fields(schema, path);
                let implied = self.structure(path, fields, schema.get("x-unknown-keys").is_some());
                (format!("Kind::Struct(&{path})"), implied)
            }
            Some("object") => {
                let key = schema.get("propertyNames").map_or_else(|| string(&Tree::Null), string);
                let (value, _) = self.shape(child(schema, "additionalProperties"), path, None);
                (format!("Kind::Map {{ key: {key}, value: &{value} }}"), Tree::Map(Vec::new()))
            }
            _ => unreachable!("no settings type has this schema: {schema:?}"),
        }
    }
}

fn shape_source(nullable: bool, kind: &str, example: &Schema, secret: bool, unit: Option<&str>) -> String {
    let example = example.to_json();
    format!(
        "Shape {{ nullable: {nullable}, kind: {kind}, json_example: {example:?}, secret: {secret}, unit: {unit:?} }}"
    )
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
fn enum_values(schema: &Schema) -> Option<Vec<&str>> {
    if let Some(values) = schema.get("enum") {
        return Some(values.items().iter().filter_map(Tree::as_str).collect());
    }
    let mut values = Vec::new();
    for variant in schema.get("oneOf")?.items() {
        match (variant.get("const").and_then(Tree::as_str), variant.get("enum")) {
            (Some(value), _) => values.push(value),
            (None, Some(more)) => values.extend(more.items().iter().filter_map(Tree::as_str)),
            (None, None) => return None,
        }
    }
    Some(values)
}

fn range(schema: &Schema) -> Range {
    let bound = |key: &str| schema.get(key).and_then(Tree::as_f64);
    Range { min: bound("minimum"), exclusive_min: bound("exclusiveMinimum"), max: bound("maximum") }
}

/// The source of the shape of a string.
fn string(schema: &Schema) -> String {
    let name = schema.text_of("x-text");
    let is_known = TEXT_TYPES.iter().chain(MAP_TEXT_TYPES).any(|text_type| text_type.name == name);
    let text = if is_known { format!("Some(text_type({name:?}))") } else { "None".to_owned() };
    let (min, max) = (length(schema, "minLength").unwrap_or(0), length(schema, "maxLength"));
    format!("StringShape {{ text: {text}, min_length: {min}, max_length: {max:?} }}")
}

fn length(schema: &Schema, key: &str) -> Option<usize> {
    match schema.get(key)? {
        Tree::Int(length) => usize::try_from(*length).ok(),
        _ => None,
    }
}

fn child<'s>(schema: &'s Schema, key: &str) -> &'s Schema {
    schema.get(key).unwrap_or_else(|| unreachable!("a list or map says what it holds"))
}
