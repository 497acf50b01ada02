//! Source maps from request bodies to settings, and locations of settings.

use rustc_hash::FxHashSet;
use serde::Serialize;

use runai_syntax::{Entry, Map, Node, SourceId, Span, Tree, Value, edit_to, escape};

use crate::members::NAME_KEYS;
use crate::render::{Context, parts};
use crate::resolve::{Resolution, SETTINGS_KEY, Source, Step};
use crate::setting_schema::{Field, Kind, STEP_FILE, STEP_SETTINGS, SettingSchema};
use crate::syntax::parse;

/// The origins of a request body's members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceMap {
    /// The members, in the order of the body.
    pub members: Vec<MemberSource>,
}

/// The origin of a member of a request body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MemberSource {
    /// JSON pointer of the member: `/spec/compute/gpuPortionRequest`.
    pub member: String,
    /// JSON pointer of the setting, from the map of settings, or of a key of the step file such as `/environment/EPOCHS`.
    /// `None` if the member does not depend on a setting.
    pub setting: Option<String>,
    /// The origin of the value.
    pub source: Origin,
    /// The location of the value, unless it is a default.
    pub place: Option<SourceSpan>,
}

/// The location of a value in a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceSpan {
    /// The name of the source: a file's path, or the name of a variable or argument.
    pub name: String,
    /// First byte, from 0.
    pub offset: usize,
    /// End in bytes, from 0, exclusive.
    pub end_offset: usize,
}

/// The origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Origin {
    /// The context that the step is rendered with.
    Context,
    /// A default, of the setting or of the request.
    Default,
    /// The document.
    Document,
    /// The operator file.
    Operator,
    /// An override.
    Override,
    /// An environment variable.
    Variable,
}

/// The location of a value, or where it would be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "type")]
#[non_exhaustive]
pub enum Location {
    /// The value is set here.
    Written {
        /// First byte, from 0.
        offset: usize,
        /// End in bytes, from 0, exclusive.
        end_offset: usize,
    },
    /// The value would be inserted here.
    Insertion {
        /// The offset of the insertion in bytes, from 0.
        offset: usize,
    },
}

/// The values of a step.
#[derive(Debug)]
pub(crate) struct StepPart<'t> {
    /// The key of the step file, or `None` for settings.
    pub(crate) key: Option<&'static str>,
    pub(crate) node: Node<'t>,
}

impl<'t> StepPart<'t> {
    /// Returns the parts of a step file.
    pub(crate) fn of_step_file(root: Node<'t>) -> Vec<Self> {
        let Value::Map(map) = root.value else { return Vec::new() };
        let keys = ["command", "environment", "image", "name"];
        let part = |entry: Entry<'t>| match keys.into_iter().find(|key| entry.key == *key) {
            Some(key) => Some(Self { key: Some(key), node: entry.value }),
            None => (entry.key == SETTINGS_KEY).then_some(Self { key: None, node: entry.value }),
        };
        map.0.into_iter().filter_map(part).collect()
    }

    /// Returns the parts of a step of a ZenML run configuration: its settings, its environments in ascending precedence, and
    /// variables that override them.
    pub(crate) fn of_zenml(
        settings: Node<'t>,
        environments: [Option<&Node<'t>>; 2],
        variables: &[(Vec<String>, Node<'t>)],
    ) -> Vec<Self> {
        let environment = |node: Node<'t>| Self { key: Some("environment"), node };
        let environments = environments.into_iter().flatten().map(|node| environment(node.clone()));
        let variables = variables.iter().map(|(path, value)| {
            let key = path.last().cloned().unwrap_or_default().into();
            let entry = Entry { key, key_span: value.span, value: value.clone() };
            environment(Node { value: Value::Map(Map(vec![entry])), span: value.span })
        });
        std::iter::once(Self { key: None, node: settings }).chain(environments).chain(variables).collect()
    }
}

impl SourceMap {
    /// Returns the origin of a member, or of its nearest parent.
    #[must_use]
    pub fn of_member(&self, pointer: &str) -> Option<&MemberSource> {
        let around = pointer.match_indices('/').rev().map(|(at, _)| &pointer[..at]);
        std::iter::once(pointer)
            .chain(around)
            .find_map(|pointer| self.members.iter().find(|source| source.member == pointer))
    }

    /// Returns the members that come from a setting, or from the settings in it.
    pub fn of_setting<'m>(&'m self, setting: &'m str) -> impl Iterator<Item = &'m MemberSource> {
        self.members.iter().filter(move |source| {
            let rest = source.setting.as_deref().and_then(|own| own.strip_prefix(setting));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl Source<'_> {
    /// Returns the location of the value at a JSON pointer, or where it would be inserted. Returns `None` if the text does not
    /// parse, or the value cannot be inserted.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Option<Location> {
        let root = parse(self.text, self.format, SourceId(0)).ok();
        if let Some(found) = root.as_ref().and_then(|root| root.find(pointer)) {
            let Span { start, end, .. } = found.span;
            return Some(Location::Written { offset: start as usize, end_offset: end as usize });
        }
        let edits = edit_to(self.text, self.format, pointer, Some(&Tree::from("x"))).ok()?;
        Some(Location::Insertion { offset: edits.first()?.from })
    }
}

impl Resolution<'_> {
    /// Returns the source map of the body that a step is rendered to with `context`: the first step, or the one named `name`
    /// in a ZenML run configuration. Returns `None` if there is no such step or there are errors.
    #[must_use]
    pub fn source_map(&self, name: Option<&str>, context: &Context) -> Option<SourceMap> {
        let step = match name {
            Some(name) => self.step_named(name),
            None => self.step(),
        }?;
        let index = self.steps.iter().position(|other| std::ptr::eq(other, step))?;
        let parts = self.parts.get(index)?;
        Some(Mapper { resolution: self, parts, context, map: SourceMap::default() }.map(step))
    }
}

struct Mapper<'r, 't> {
    resolution: &'r Resolution<'t>,
    parts: &'r [StepPart<'t>],
    context: &'r Context,
    map: SourceMap,
}

impl Mapper<'_, '_> {
    fn map(mut self, step: &Step) -> SourceMap {
        let body = step.body(self.context);
        let body = parts(&body);
        for schema in [&STEP_FILE, &STEP_SETTINGS] {
            let Kind::Struct(structure) = &schema.kind else { continue };
            for field in structure.fields() {
                let Some(api) = field.api else { continue };
                self.field(&body, field, &format!("/{}", api.replace('.', "/")));
            }
        }
        let known = self.map.members.iter().map(|source| source.member.clone()).collect();
        self.rest(&body, "", &known);
        self.map.members.sort_by(|a, b| a.member.cmp(&b.member));
        self.map
    }

    /// Maps a field of the step file, or a setting.
    fn field(&mut self, body: &Tree<'_>, field: &Field, member: &str) {
        let setting = format!("/{}", escape(field.name));
        if let Some(value) = at(body, member) {
            self.value(value, &field.schema, member, &setting);
        }
        // The command is sent as `command` and `args`.
        if setting == "/command"
            && let Some(value) = at(body, "/spec/args")
        {
            self.value(value, &field.schema, "/spec/args", &setting);
        }
    }

    fn value(&mut self, value: &Tree<'_>, schema: &SettingSchema, member: &str, setting: &str) {
        self.push(member, Some(setting));
        match (&schema.kind, value) {
            (Kind::Struct(structure), Tree::Map(_)) => {
                for field in structure.fields() {
                    let Some((api, value)) = field.api.and_then(|api| Some((api, value.get(api)?))) else {
                        continue;
                    };
                    let setting = format!("{setting}/{}", escape(field.name));
                    self.value(value, &field.schema, &format!("{member}/{api}"), &setting);
                }
            }
            (Kind::List { item, .. }, Tree::List(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.value(value, item, &format!("{member}/{index}"), &format!("{setting}/{index}"));
                }
            }
            // The API's type is a list of names and values.
            (Kind::Map { .. }, Tree::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let name = NAME_KEYS.iter().find_map(|key| item.get(key)?.as_str());
                    let setting = format!("{setting}/{}", escape(name.unwrap_or_default()));
                    self.push(&format!("{member}/{index}"), Some(&setting));
                    for key in ["name", "resource", "value", "quantity"].iter().filter(|key| item.get(key).is_some()) {
                        self.push(&format!("{member}/{index}/{key}"), Some(&setting));
                    }
                }
            }
            (Kind::Map { .. }, Tree::Map(entries)) => {
                for (key, _) in entries {
                    let key = escape(key);
                    self.push(&format!("{member}/{key}"), Some(&format!("{setting}/{key}")));
                }
            }
            _ => {}
        }
    }

    /// Maps the values of a body that do not come from a setting.
    fn rest(&mut self, value: &Tree<'_>, member: &str, known: &FxHashSet<String>) {
        match value {
            Tree::Map(entries) => {
                for (key, value) in entries {
                    self.rest(value, &format!("{member}/{}", escape(key)), known);
                }
            }
            Tree::List(items) => {
                for (index, value) in items.iter().enumerate() {
                    self.rest(value, &format!("{member}/{index}"), known);
                }
            }
            _ if known.contains(member) => {}
            _ => self.push(member, None),
        }
    }

    fn push(&mut self, member: &str, setting: Option<&str>) {
        let (source, place) = match setting {
            Some(setting) if self.is_in_context(setting) => (Origin::Context, None),
            Some(setting) => self.origin(setting),
            None if member == "/clusterId" || member == "/projectId" => (Origin::Context, None),
            None if member.starts_with("/spec/imagePullSecrets/") && member.ends_with("/name") => {
                (Origin::Operator, self.image_pull_secret())
            }
            None => (Origin::Default, None),
        };
        let (member, setting) = (member.to_owned(), setting.map(str::to_owned));
        self.map.members.push(MemberSource { member, setting, source, place });
    }

    /// Whether the context overrides the setting.
    fn is_in_context(&self, setting: &str) -> bool {
        let variable = |name: &str| self.context.environment.keys().any(|key| escape(key) == name);
        match setting {
            "/name" => self.context.name.is_some(),
            "/image" => self.context.image.is_some(),
            _ if setting.starts_with("/command") => self.context.command.is_some(),
            _ => setting.strip_prefix("/environment/").is_some_and(variable),
        }
    }

    fn origin(&self, setting: &str) -> (Origin, Option<SourceSpan>) {
        let found = self.parts.iter().rev().find_map(|part| match part.key {
            Some(key) => part.node.find(setting.strip_prefix('/')?.strip_prefix(key)?),
            None => part.node.find(setting),
        });
        let Some(Node { span, .. }) = found else { return (Origin::Default, None) };
        let index = usize::from(span.source.0);
        let origin = self.resolution.origins.get(index).copied().unwrap_or(Origin::Document);
        let place = self.resolution.sources.get(index).map(|source| SourceSpan {
            name: source.name.to_owned(),
            offset: span.start as usize,
            end_offset: span.end as usize,
        });
        (origin, place)
    }

    fn image_pull_secret(&self) -> Option<SourceSpan> {
        let index = self.resolution.origins.iter().position(|origin| *origin == Origin::Operator)?;
        let source = self.resolution.sources.get(index)?;
        match source.locate("/image_pull_secret_name")? {
            Location::Written { offset, end_offset } => {
                Some(SourceSpan { name: source.name.to_owned(), offset, end_offset })
            }
            Location::Insertion { .. } => None,
        }
    }
}

/// Returns the value at a JSON pointer.
fn at<'v, 't>(value: &'v Tree<'t>, pointer: &str) -> Option<&'v Tree<'t>> {
    pointer.split('/').skip(1).try_fold(value, |value, key| value.get(key))
}
