//! What the types declare: their JSON Schemas, as files of this folder.
//!
//! Deriving them takes schemars and a function for each type, which together are an eighth of the browser package, and
//! what comes out is the same every time. So `cargo xtask schema` derives them and writes them down; a test holds the
//! files and the types together. `shapes.rs` contains the same for the check, as statics.

mod compile;
#[rustfmt::skip]
pub(crate) mod shapes;

use runai_api::wire::TrainingCreationRequest;
use runai_syntax::Tree;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value as Json, json};

use crate::settings::{OperatorSettings, StepFile, StepSettings};

/// A type whose schema is written down.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Declared {
    Operator,
    /// The body that is sent.
    Request,
    Settings,
    /// A step file; its settings are a reference to those.
    Step,
}

impl Declared {
    const ALL: [Self; 4] = [Self::Operator, Self::Request, Self::Settings, Self::Step];

    /// The file's name, which a reference to the type is as well.
    fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator.json",
            Self::Request => "request.json",
            Self::Settings => "settings.json",
            Self::Step => "step.json",
        }
    }

    /// The schema that the file holds.
    pub(crate) fn schema(self) -> Tree<'static> {
        let text = match self {
            Self::Operator => include_str!("operator.json"),
            Self::Request => include_str!("request.json"),
            Self::Settings => include_str!("settings.json"),
            Self::Step => include_str!("step.json"),
        };
        Tree::from_json(text).unwrap_or_else(|error| unreachable!("a test reads each file: {error}"))
    }

    /// The schema that the type has now.
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

/// The names and contents that the files of this folder have to have.
pub(crate) fn files() -> impl Iterator<Item = (&'static str, String)> {
    let schemas = Declared::ALL.into_iter().map(|declared| (declared.name(), lines(&declared.derived())));
    schemas.chain([("shapes.rs", compile::shapes())])
}

/// The JSON Schema (draft-07) of a type, without references.
fn schema_of<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// JSON with a line for each member, and without the indentation, which would be a tenth of what is compressed.
fn lines(schema: &Json) -> String {
    let text = format!("{schema:#}");
    text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n") + "\n"
}
