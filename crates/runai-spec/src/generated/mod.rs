//! JSON Schemas of the types, as generated files.
//!
//! Deriving them at run time would take an eighth of the wasm module. `cargo xtask schema` derives them and writes the files.
//! A test compares the files with the types. `setting_schemas.rs` contains the same schemas as statics.

mod compile;
#[rustfmt::skip]
pub(crate) mod setting_schemas;

use runai_api::wire::TrainingCreationRequest;
use runai_syntax::Tree;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value as Json, json};

use crate::settings::{OperatorSettings, StepFile, StepSettings};

/// A type whose schema is generated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GeneratedSchema {
    Operator,
    /// The body of the request.
    Request,
    Settings,
    /// A step file, which refers to the schema of the settings.
    Step,
}

impl GeneratedSchema {
    const ALL: [Self; 4] = [Self::Operator, Self::Request, Self::Settings, Self::Step];

    /// Returns the file's name, which is also the `$ref` of the type.
    fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator.json",
            Self::Request => "request.json",
            Self::Settings => "settings.json",
            Self::Step => "step.json",
        }
    }

    /// Returns the schema in the file.
    pub(crate) fn schema(self) -> Tree<'static> {
        let text = match self {
            Self::Operator => include_str!("operator.json"),
            Self::Request => include_str!("request.json"),
            Self::Settings => include_str!("settings.json"),
            Self::Step => include_str!("step.json"),
        };
        Tree::from_json(text).unwrap_or_else(|error| unreachable!("a test reads each file: {error}"))
    }

    /// Derives the schema of the type.
    fn derived(self) -> Json {
        match self {
            Self::Operator => schema_of::<OperatorSettings>(),
            Self::Request => schema_of::<TrainingCreationRequest>(),
            Self::Settings => schema_of::<StepSettings>(),
            Self::Step => {
                let mut schema = schema_of::<StepFile>();
                let settings = &mut schema["properties"]["settings"];
                let (description, of) = (settings["description"].take(), settings["type"].take());
                *settings = json!({"$ref": Self::Settings.name(), "description": description, "type": of});
                schema
            }
        }
    }
}

/// Returns the names and contents of the generated files.
pub(crate) fn files() -> impl Iterator<Item = (&'static str, String)> {
    let schemas = GeneratedSchema::ALL.into_iter().map(|declared| (declared.name(), lines(&declared.derived())));
    schemas.chain([("setting_schemas.rs", compile::setting_schemas())])
}

/// Derives the JSON Schema (draft-07) of a type, without references.
fn schema_of<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Formats JSON with one line per member and no indentation, which would take a tenth of the compressed size.
fn lines(schema: &Json) -> String {
    let text = format!("{schema:#}");
    text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n") + "\n"
}
