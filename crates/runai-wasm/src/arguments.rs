//! Arguments of a call in addition to the text, parsed from JSON.

use runai_spec::{Context, Kind};
use runai_syntax::{Format, Tree};

/// The arguments of a call in addition to the text.
#[derive(Debug, Default)]
pub(crate) struct Arguments<'a> {
    /// Format of the text.
    pub(crate) format: Option<Format>,
    /// Format to convert to.
    pub(crate) to: Option<Format>,
    /// Facts that are not in the text.
    pub(crate) context: CallContext<'a>,
    /// Kind of the document; detected by its keys if `None`.
    pub(crate) kind: Option<Kind>,
    /// JSON pointer of the value to edit.
    pub(crate) pointer: &'a str,
    /// The value to set; `None` removes it.
    pub(crate) value: Option<&'a Tree<'a>>,
    /// Name of a rule, setting or schema.
    pub(crate) name: &'a str,
}

/// Facts that are not in the document.
#[derive(Debug, Default)]
pub(crate) struct CallContext<'a> {
    pub(crate) known: Context,
    pub(crate) operator: Option<Operator<'a>>,
    pub(crate) step: Option<&'a str>,
    pub(crate) base_url: Option<&'a str>,
}

/// The operator file, which provides defaults.
#[derive(Debug)]
pub(crate) struct Operator<'a> {
    pub(crate) text: &'a str,
    pub(crate) format: Format,
}

impl<'a> Arguments<'a> {
    pub(crate) fn read(given: &'a Tree<'a>) -> Result<Self, String> {
        let mut arguments = Self::default();
        for (key, value) in given.entries().iter().filter(|(_, value)| !matches!(value, Tree::Null)) {
            match &**key {
                "context" => arguments.context = CallContext::read(value)?,
                "format" => arguments.format = Some(format(key, value)?),
                "kind" => arguments.kind = Some(text(key, value)?.parse().map_err(|error| format!("`kind`: {error}"))?),
                "name" => arguments.name = text(key, value)?,
                "pointer" => arguments.pointer = text(key, value)?,
                "to" => arguments.to = Some(format(key, value)?),
                "value" => arguments.value = Some(value),
                _ => return Err(unknown_argument(key)),
            }
        }
        Ok(arguments)
    }
}

impl<'a> CallContext<'a> {
    pub(crate) fn read(given: &'a Tree<'a>) -> Result<Self, String> {
        let mut context = Self::default();
        let known = &mut context.known;
        for (key, value) in given.entries().iter().filter(|(_, value)| !matches!(value, Tree::Null)) {
            match &**key {
                "base_url" => context.base_url = Some(text(key, value)?),
                "cluster_id" => known.cluster_id = Some(text(key, value)?.to_owned()),
                "command" => {
                    let tokens = value.items().iter().map(|token| text(key, token).map(str::to_owned));
                    known.command = Some(tokens.collect::<Result<_, _>>()?);
                }
                "environment" => {
                    let plain = |value: &Tree<'_>| value.as_str().map_or_else(|| value.to_json(), str::to_owned);
                    let variables = value.entries().iter().map(|(name, value)| (name.to_string(), plain(value)));
                    known.environment = variables.collect();
                }
                "image" => known.image = Some(text(key, value)?.to_owned()),
                "name" => known.name = Some(text(key, value)?.to_owned()),
                "operator" => {
                    let part = |key| value.get(key).ok_or_else(|| format!("`operator` has no `{key}`"));
                    let (text, format) = (text("text", part("text")?)?, format("format", part("format")?)?);
                    context.operator = Some(Operator { text, format });
                }
                "project_id" => known.project_id = Some(text(key, value)?.to_owned()),
                "step" => context.step = Some(text(key, value)?),
                _ => return Err(unknown_argument(key)),
            }
        }
        Ok(context)
    }
}

pub(crate) fn text<'a>(key: &str, value: &'a Tree<'a>) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("`{key}` is not a string"))
}

pub(crate) fn format(key: &str, value: &Tree<'_>) -> Result<Format, String> {
    match text(key, value)? {
        "json" => Ok(Format::Json),
        "toml" => Ok(Format::Toml),
        "yaml" => Ok(Format::Yaml),
        other => Err(format!("`{key}` is `{other}`, not `json`, `toml` or `yaml`")),
    }
}

pub(crate) fn unknown_argument(key: &str) -> String {
    format!("unknown argument `{key}`")
}
