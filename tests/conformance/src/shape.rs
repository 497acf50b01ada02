//! What values a setting takes, read from the JSON Schema of the declarations: a setting that is added there is
//! generated here.

use runai_spec::settings::{OperatorSettings, StepFile, StepSettings};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

/// The accepted values of a setting.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) nullable: bool,
    pub(crate) kind: Kind,
}

/// The kinds of values.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Bool,
    Enum(Vec<String>),
    Int {
        min: Option<i64>,
        max: Option<i64>,
    },
    List {
        item: Box<Shape>,
        min: u64,
    },
    Map {
        key: Text,
        value: Box<Shape>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
        /// Whether `min` itself is too small.
        exclusive: bool,
    },
    /// A string, or a number or boolean that is converted to text.
    Scalar,
    Struct(Vec<Field>),
    Text(Text),
}

/// Limits of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    /// Name of the form that it has to have: `memory`.
    pub(crate) form: Option<String>,
    pub(crate) min: usize,
    pub(crate) max: Option<usize>,
}

/// A key of a struct.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The other spelling.
    pub(crate) alias: Option<String>,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

/// The shape of a step's settings.
pub(crate) fn settings() -> Shape {
    of::<StepSettings>()
}

/// The shape of a step file.
pub(crate) fn step() -> Shape {
    of::<StepFile>()
}

/// The shape of an operator file: its own keys and those of every step.
pub(crate) fn operator() -> Shape {
    let mut shape = of::<OperatorSettings>();
    if let (Kind::Struct(own), Kind::Struct(step)) = (&mut shape.kind, settings().kind) {
        own.extend(step);
    }
    shape
}

impl Shape {
    /// Its fields, or those of its items; none for anything but a struct.
    pub(crate) fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Struct(fields) => fields,
            Kind::List { item, .. } => item.fields(),
            _ => &[],
        }
    }

    /// Returns all fields at any depth, with their paths.
    pub(crate) fn paths(&self) -> Vec<(Vec<String>, Field)> {
        let mut found = Vec::new();
        for field in self.fields() {
            found.push((vec![field.name.clone()], field.clone()));
            for (mut path, inner) in field.shape.paths() {
                path.insert(0, field.name.clone());
                found.push((path, inner));
            }
        }
        found
    }
}

fn of<T: JsonSchema>() -> Shape {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    shape(schema.as_value())
}

fn shape(schema: &Value) -> Shape {
    if let Some(options) = schema["anyOf"].as_array() {
        let inner = options.iter().find(|option| option["type"] != "null");
        return Shape { nullable: true, kind: inner.map_or(Kind::Scalar, |inner| shape(inner).kind) };
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    Shape { nullable: types.contains(&"null"), kind: kind(schema, &types) }
}

fn kind(schema: &Value, types: &[&str]) -> Kind {
    if let Some(values) = schema["enum"].as_array() {
        return Kind::Enum(values.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    if let Some(variants) = schema["oneOf"].as_array() {
        let texts = |variant: &Value| match (&variant["const"], &variant["enum"]) {
            (Value::String(value), _) => vec![value.clone()],
            (_, Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => panic!("variant without a constant: {variant}"),
        };
        return Kind::Enum(variants.iter().flat_map(texts).collect());
    }
    if schema["x-text"] == "scalar" {
        return Kind::Scalar;
    }
    match types.iter().find(|name| **name != "null").copied() {
        Some("boolean") => Kind::Bool,
        Some("integer") => Kind::Int { min: integer(&schema["minimum"]), max: integer(&schema["maximum"]) },
        Some("number") => Kind::Number {
            min: schema["exclusiveMinimum"].as_f64().or(schema["minimum"].as_f64()),
            max: schema["maximum"].as_f64(),
            exclusive: schema["exclusiveMinimum"].is_number(),
        },
        Some("string") => Kind::Text(text(schema)),
        Some("array") => {
            Kind::List { item: Box::new(shape(&schema["items"])), min: schema["minItems"].as_u64().unwrap_or_default() }
        }
        Some("object") => match schema["properties"].as_object() {
            Some(properties) => Kind::Struct(fields(properties, &schema["required"])),
            None => Kind::Map {
                key: text(&schema["propertyNames"]),
                value: Box::new(shape(&schema["additionalProperties"])),
            },
        },
        _ => panic!("unexpected schema: {schema}"),
    }
}

fn fields(properties: &Map<String, Value>, required: &Value) -> Vec<Field> {
    let required: Vec<_> = required.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    properties
        .iter()
        .map(|(name, schema)| Field {
            name: name.clone(),
            alias: schema["x-alias"].as_str().map(str::to_owned),
            required: required.contains(&name.as_str()),
            shape: shape(schema),
        })
        .collect()
}

fn text(schema: &Value) -> Text {
    let length = |key: &str| schema[key].as_u64().and_then(|length| usize::try_from(length).ok());
    Text {
        form: schema["x-text"].as_str().map(str::to_owned),
        min: length("minLength").unwrap_or_default(),
        max: length("maxLength"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds of settings are small integers")]
fn integer(bound: &Value) -> Option<i64> {
    bound.as_i64().or_else(|| bound.as_f64().map(|bound| bound as i64))
}
