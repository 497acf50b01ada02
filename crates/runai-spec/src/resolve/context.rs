//! The state of a resolution: from sources to steps.

use std::borrow::Cow;

use runai_syntax::{Dialect, Entry, Format, Map, Node, SourceId, Span, Text, Value};

use super::keys::{FREE_MAPS, SCHEMA_KEY, SETTINGS_KEY, STEP_KEYS, in_operator_file, in_settings, in_step_file};
use super::merge::{Layer, merge_layers, origins, overridden, put};
use super::{Override, Source, Step, VARIABLE_PREFIX};
use crate::check::Validator;
use crate::diagnostic::RawDiagnostic;
use crate::foreign::{foreign, foreign_first_document};
use crate::kind::{Kind, OPERATOR_KEYS};
use crate::redact::{self, Redaction};
use crate::rules::{self, RuleContext};
use crate::setting_schema::{self, SettingSchema};
use crate::settings::fields::{Setting, from_node};
use crate::settings::{Environment, OperatorSettings, StepFile, StepSettings};
use crate::source_map::{Origin, StepPart};
use crate::syntax::{parse, parse_in};

/// The state of a resolution.
pub(crate) struct ResolveContext<'t> {
    pub(crate) sources: Vec<Source<'t>>,
    /// The origin of each source.
    pub(super) origins: Vec<Origin>,
    /// The values of each step, for source maps.
    pub(crate) parts: Vec<Vec<StepPart<'t>>>,
    pub(crate) diagnostics: Vec<RawDiagnostic>,
    pub(super) redaction: Redaction,
    /// The step settings in the operator file.
    pub(super) defaults: Option<Layer<'t>>,
    pub(super) operator: Option<OperatorSettings>,
    /// The step settings in the operator file, typed.
    pub(super) operator_step: Option<StepSettings>,
    /// Overrides of the operator file's keys, in ascending precedence.
    pub(super) operator_values: Vec<Override<'t>>,
    pub(super) kind: Option<Kind>,
    pub(crate) steps: Vec<Step>,
    /// The variables that replace placeholders. Without them, placeholders stay unresolved.
    pub(crate) process_environment: Option<&'t [(String, String)]>,
}

impl<'t> ResolveContext<'t> {
    pub(super) fn add_source(&mut self, source: Source<'t>, origin: Origin) -> SourceId {
        self.sources.push(source);
        self.origins.push(origin);
        SourceId(u16::try_from(self.sources.len() - 1).unwrap_or(u16::MAX))
    }

    /// Parses the document in the YAML dialect of its kind, and resolves it.
    pub(super) fn parse_document(&mut self, variables: &[(&'t str, &'t str)], overrides: &[Override<'t>]) {
        let Source { text, format, name } = self.sources[0];
        let id = SourceId(0);
        let has_pyyaml = format != Format::Toml;
        let parsed = match self.kind {
            Some(Kind::Operator) => parse_operator(text, format, id, &mut self.redaction),
            Some(Kind::Zenml) if has_pyyaml => return self.parse_as_zenml(variables, overrides),
            _ => parse(text, format, id),
        };
        let is_zenml = |root: &Node<'_>| {
            root.as_map().is_some_and(|map| foreign(map).is_none() && Kind::of(map, name) == Kind::Zenml)
        };
        match parsed {
            Ok(root) if self.kind.is_none() && has_pyyaml && is_zenml(&root) => {
                self.parse_as_zenml(variables, overrides);
            }
            Ok(root) => self.document(root, variables, overrides),
            Err(diagnostic) => {
                // A file that is invalid in YAML 1.2 may be a valid ZenML file.
                if self.kind.is_none()
                    && has_pyyaml
                    && let Ok((root, warnings)) = parse_in(text, format, id, Dialect::PyYaml)
                    && is_zenml(&root)
                {
                    self.zenml_document(root, warnings, variables, overrides);
                    return;
                }
                self.redaction.unparsed.push(id);
                if self.kind.is_none()
                    && let Some(name) = foreign_first_document(text, &diagnostic)
                {
                    self.report_foreign(name, diagnostic.span);
                } else {
                    self.diagnostics.push(diagnostic);
                }
            }
        }
    }

    fn parse_as_zenml(&mut self, variables: &[(&'t str, &'t str)], overrides: &[Override<'t>]) {
        let Source { text, format, .. } = self.sources[0];
        match parse_in(text, format, SourceId(0), Dialect::PyYaml) {
            Ok((root, warnings)) => self.zenml_document(root, warnings, variables, overrides),
            Err(diagnostic) => {
                self.redaction.unparsed.push(SourceId(0));
                self.diagnostics.push(diagnostic);
            }
        }
    }

    fn zenml_document(
        &mut self,
        root: Node<'t>,
        mut warnings: Vec<RawDiagnostic>,
        variables: &[(&'t str, &'t str)],
        overrides: &[Override<'t>],
    ) {
        self.kind = Some(Kind::Zenml);
        self.diagnostics.append(&mut warnings);
        self.document(root, variables, overrides);
    }

    fn report_foreign(&mut self, name: &str, span: Span) {
        let diagnostic = RawDiagnostic::new(&rules::text::FOREIGN_FILE, span, format!("this file is {name}"));
        self.diagnostics.push(diagnostic.with_help(
            "write a step file (`image`, `command`), settings, an operator file or a ZenML run configuration",
        ));
    }

    fn document(&mut self, root: Node<'t>, variables: &[(&'t str, &'t str)], overrides: &[Override<'t>]) {
        redact::collect_secrets(&root, &mut self.redaction.secrets);
        let Node { value: Value::Map(mut map), span } = root else {
            let diagnostic =
                RawDiagnostic::new(&rules::value::WRONG_TYPE, root.span, "the document is not a map".to_owned());
            self.diagnostics
                .push(diagnostic.with_help("write keys and values: `image: …`, `command: […]`, `settings: {…}`"));
            return;
        };
        if self.kind.is_none()
            && let Some(name) = foreign(&map)
        {
            let place = map.0.first().map_or(span, |entry| entry.key_span);
            self.report_foreign(name, place);
            return;
        }
        let name = self.sources[0].name;
        let kind = *self.kind.get_or_insert_with(|| Kind::of(&map, name));
        map.remove(SCHEMA_KEY);
        let mut root = Node { value: Value::Map(map), span };
        if kind == Kind::Operator {
            self.operator_file(root);
            return;
        }
        let layers = self.layers(variables);
        let overrides = self.overrides(kind, overrides);
        if kind != Kind::Zenml {
            overridden(&mut root, &overrides);
        }
        match kind {
            Kind::Zenml => self.zenml(root, &layers, &overrides),
            Kind::Step => self.step_file(root, &layers),
            Kind::Settings | Kind::Operator => self.settings(root, &layers),
        }
    }

    /// Returns the layers below the document's settings, in ascending precedence.
    fn layers(&mut self, variables: &[(&'t str, &'t str)]) -> Vec<Layer<'t>> {
        let mut layers: Vec<_> = self.defaults.iter().cloned().collect();
        for (name, value) in variables {
            let Some(key) = name.strip_prefix(VARIABLE_PREFIX).map(str::to_ascii_lowercase) else { continue };
            let setting_schema::Kind::Struct(settings) = &setting_schema::STEP_SETTINGS.kind else { continue };
            let Some(field) = settings.field(&key).filter(|field| is_scalar(&field.schema)) else { continue };
            let id = self.add_source(Source { name, text: value, format: Format::Yaml }, Origin::Variable);
            if let Some(node) = self.scalar(value, id, &field.schema) {
                let entry = Entry { key: Cow::Owned(key), key_span: node.span, value: node };
                let settings = Node { span: entry.key_span, value: Value::Map(Map(vec![entry])) };
                layers.push(Layer { settings, pointer: String::new() });
            }
        }
        layers
    }

    /// Parses the value of a variable or override by the type of its setting.
    fn scalar(&mut self, value: &'t str, id: SourceId, schema: &SettingSchema) -> Option<Node<'t>> {
        let span = Span { source: id, start: 0, end: u32::try_from(value.len()).unwrap_or(u32::MAX) };
        let text = || Node { value: Value::String(Text { text: Cow::Borrowed(value), plain: false }), span };
        if matches!(
            schema.kind,
            setting_schema::Kind::String(_) | setting_schema::Kind::Enum(_) | setting_schema::Kind::ScalarText
        ) {
            let null = schema.nullable && matches!(value, "null" | "~");
            let node = if null { Node { value: Value::Null, span } } else { text() };
            redact::collect_secrets(&node, &mut self.redaction.secrets);
            return Some(node);
        }
        if value.trim().is_empty() {
            return Some(text());
        }
        match parse(value, Format::Yaml, id) {
            Ok(node) => {
                redact::collect_secrets(&node, &mut self.redaction.secrets);
                Some(node)
            }
            // The parser reports a lone `null` as an empty document.
            Err(diagnostic) if diagnostic.rule == &rules::text::EMPTY => Some(Node { value: Value::Null, span }),
            Err(diagnostic) => {
                self.redaction.unparsed.push(id);
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// Returns the path, in a step or in its settings, and the value of each override.
    fn overrides(&mut self, kind: Kind, overrides: &[Override<'t>]) -> Vec<(Vec<String>, Node<'t>)> {
        let mut values = Vec::new();
        for Override { source, key } in overrides {
            let id = self.add_source(*source, Origin::Override);
            let value = source.text;
            let span = Span { source: id, start: 0, end: u32::try_from(value.len()).unwrap_or(u32::MAX) };
            let mut path: Vec<&str> = key.split('.').collect();
            // Names of variables, labels and annotations may contain dots.
            let free = path.iter().position(|segment| FREE_MAPS.contains(segment)).map(|at| at + 1);
            let tail = free.filter(|at| *at < path.len()).map(|at| path.split_off(at).join("."));
            let mut path: Vec<String> = path.into_iter().map(str::to_owned).chain(tail).collect();
            let schema = match kind {
                Kind::Step => {
                    if !STEP_KEYS.contains(&path[0].as_str()) {
                        path.insert(0, SETTINGS_KEY.to_owned());
                    }
                    &setting_schema::STEP_FILE
                }
                _ => &setting_schema::STEP_SETTINGS,
            };
            let node = if let Some(schema) = schema_at(schema, &path) {
                self.scalar(value, id, schema)
            } else {
                let node = Node { value: Value::String(Text { text: Cow::Borrowed(value), plain: false }), span };
                redact::collect_secrets(&node, &mut self.redaction.secrets);
                Some(node)
            };
            values.extend(node.map(|node| (path, node)));
        }
        values
    }

    /// Checks an operator file, and returns the step settings in it.
    pub(super) fn operator_file(&mut self, root: Node<'t>) -> Option<Node<'t>> {
        let Node { value: Value::Map(mut map), span } = root else {
            self.diagnostics.push(
                RawDiagnostic::new(&rules::value::WRONG_TYPE, root.span, "the operator file is not a map".to_owned())
                    .with_help("write keys and values: `runai_base_url: …`, `project_name: …`"),
            );
            return None;
        };
        map.remove(SCHEMA_KEY);
        let mut root = Node { value: Value::Map(map), span };
        redact::collect_secrets(&root, &mut self.redaction.secrets);
        for Override { source, key } in std::mem::take(&mut self.operator_values) {
            let is_variable = source.name.starts_with(VARIABLE_PREFIX);
            let id = self.add_source(source, if is_variable { Origin::Variable } else { Origin::Override });
            let path = [key.to_owned()];
            let value = schema_at(&setting_schema::OPERATOR_FILE, &path)
                .and_then(|schema| self.scalar(source.text, id, schema));
            if let Some(value) = value {
                let place = value.span;
                put(&mut root, &path, value, place);
            }
        }
        let mut validator = Validator::default();
        validator.check(&mut root, &setting_schema::OPERATOR_FILE, &[], in_operator_file);
        let Value::Map(map) = root.value.clone() else { return None };
        let (operator, step) = map.0.into_iter().partition(|entry| OPERATOR_KEYS.contains(&&*entry.key));
        let node = |entries| Node { value: Value::Map(Map(entries)), span };
        let (operator, step) = (node(operator), node(step));
        let operator = self.typed::<OperatorSettings>(&operator);
        let settings = self.typed::<StepSettings>(&step);
        self.diagnostics.append(&mut validator.diagnostics);
        let mut context = RuleContext {
            sources: &self.sources,
            root: &root,
            base: "",
            invalid: &validator.invalid,
            origins: &[],
            diagnostics: &mut self.diagnostics,
            shared: true,
        };
        if let Some(operator) = &operator {
            rules::operator::check(operator, &mut context);
        }
        if let Some(settings) = &settings {
            rules::check_settings(settings, &mut context);
        }
        rules::zenml::check_references(&root, &mut context);
        rules::step::literal_placeholders(&mut context);
        rules::step::unusual_characters(&mut context);
        self.operator_step = settings;
        self.operator = operator.filter(|_| !self.diagnostics.iter().any(RawDiagnostic::is_error));
        Some(step)
    }

    fn step_file(&mut self, mut root: Node<'t>, layers: &[Layer<'t>]) {
        let mut origins = origins(layers);
        if let Value::Map(map) = &mut root.value {
            let own = map.get(SETTINGS_KEY).filter(|own| own.value != Value::Null);
            if let Some(own) = own {
                origins.push((own.span, format!("/{SETTINGS_KEY}")));
            }
            // Without layers, the settings stay in place.
            let own = own.filter(|_| !layers.is_empty()).cloned();
            let merged = merge_layers(layers, own);
            match (map.0.iter_mut().find(|entry| entry.key == SETTINGS_KEY), merged) {
                (Some(entry), Some(merged)) => entry.value = merged,
                (None, Some(merged)) => {
                    map.0.push(Entry { key: Cow::Borrowed(SETTINGS_KEY), key_span: merged.span, value: merged });
                }
                (_, None) => {}
            }
        }
        let mut validator = Validator::default();
        validator.check(&mut root, &setting_schema::STEP_FILE, &[], in_step_file);
        let file = self.typed::<StepFile>(&root);
        self.diagnostics.append(&mut validator.diagnostics);
        let Some(file) = file else { return };
        let (environment, settings) = (file.environment.unwrap_or_default(), file.settings.unwrap_or_default());
        let base = format!("/{SETTINGS_KEY}");
        let mut context = RuleContext {
            sources: &self.sources,
            root: &root,
            base: "",
            invalid: &validator.invalid,
            origins: &[],
            diagnostics: &mut self.diagnostics,
            shared: false,
        };
        rules::step::check(file.name.as_deref(), Some(&file.image), &environment, &mut context);
        rules::step::literal_placeholders(&mut context);
        rules::step::unusual_characters(&mut context);
        rules::check_settings(&settings, &mut RuleContext { base: &base, origins: &origins, ..context });
        self.parts.push(StepPart::of_step_file(root));
        self.steps.push(Step {
            name: file.name,
            block: None,
            image: Some(file.image),
            command: Some(file.command),
            environment,
            settings,
            image_pull_secret: self.image_pull_secret(),
            unresolved: false,
        });
    }

    /// Checks a settings document, and converts it to a step.
    fn settings(&mut self, own: Node<'t>, layers: &[Layer<'t>]) {
        let mut origins = origins(layers);
        origins.push((own.span, String::new()));
        let Some(mut root) = merge_layers(layers, Some(own)) else { return };
        let mut validator = Validator::default();
        let usable = validator.check(&mut root, &setting_schema::STEP_SETTINGS, &[], in_settings);
        self.diagnostics.append(&mut validator.diagnostics);
        let Some(settings) = usable.then(|| self.typed::<StepSettings>(&root)).flatten() else { return };
        let mut context = RuleContext {
            sources: &self.sources,
            root: &root,
            base: "",
            invalid: &validator.invalid,
            origins: &origins,
            diagnostics: &mut self.diagnostics,
            shared: false,
        };
        rules::check_settings(&settings, &mut context);
        rules::step::literal_placeholders(&mut context);
        rules::step::unusual_characters(&mut context);
        let image_pull_secret = self.image_pull_secret();
        self.parts.push(vec![StepPart { key: None, node: root }]);
        self.steps.push(Step {
            name: None,
            block: None,
            image: None,
            command: None,
            environment: Environment::default(),
            settings,
            image_pull_secret,
            unresolved: false,
        });
    }

    pub(crate) fn image_pull_secret(&self) -> Option<String> {
        let name = self.operator.as_ref()?.image_pull_secret_name.as_ref()?;
        (!name.as_str().is_empty()).then(|| name.as_str().to_owned())
    }

    pub(crate) fn typed<T: Setting>(&mut self, node: &Node<'_>) -> Option<T> {
        let typed = from_node(node);
        debug_assert!(typed.is_some(), "the validator accepted a value that the types reject");
        if typed.is_none() {
            let message = "the validator and the types disagree on this value".to_owned();
            let diagnostic = RawDiagnostic::new(&rules::value::WRONG_TYPE, node.span, message);
            self.diagnostics.push(diagnostic.with_help("this is a bug in runai-spec; report it with this file"));
        }
        typed
    }
}

/// Parses an operator file, which may be empty.
pub(super) fn parse_operator<'t>(
    text: &'t str,
    format: Format,
    id: SourceId,
    redaction: &mut Redaction,
) -> Result<Node<'t>, RawDiagnostic> {
    match parse(text, format, id) {
        Err(diagnostic) if diagnostic.rule == &rules::text::EMPTY => {
            redaction.unparsed.push(id);
            Ok(empty_map(id))
        }
        parsed => parsed,
    }
}

/// A map without keys.
/// Returns an empty map.
pub(super) fn empty_map<'t>(source: SourceId) -> Node<'t> {
    Node { value: Value::Map(Map::default()), span: Span { source, start: 0, end: 0 } }
}

fn is_scalar(schema: &SettingSchema) -> bool {
    !matches!(
        schema.kind,
        setting_schema::Kind::List { .. } | setting_schema::Kind::Map { .. } | setting_schema::Kind::Struct(_)
    )
}

fn schema_at<'s>(schema: &'s SettingSchema, path: &[String]) -> Option<&'s SettingSchema> {
    path.iter().try_fold(schema, |schema, segment| match &schema.kind {
        setting_schema::Kind::Struct(structure) => structure.field(segment).map(|field| &field.schema),
        setting_schema::Kind::Map { value, .. } => Some(&**value),
        setting_schema::Kind::List { item, .. } => Some(&**item),
        _ => None,
    })
}
