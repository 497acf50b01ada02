//! Texts to a step that cannot be wrong, and all that was found on the way.

use std::borrow::Cow;

use runai_syntax::{Dialect, Entry, Format, Lines, Map, Node, SourceId, Span, Text, Value};

use crate::check::{KeyHint, Validator};
use crate::diagnostic::{Diagnostic, RawDiagnostic, Report};
use crate::foreign::{foreign, foreign_beginning};
use crate::kind::{Kind, OPERATOR_KEYS};
use crate::redact;
use crate::rules::{self, RuleContext};
use crate::settings::fields::{Setting, from_node};
use crate::settings::{Environment, OperatorSettings, StepFile, StepSettings};
use crate::shape::{self, Shape};
use crate::source_map::{Origin, StepPart};
use crate::syntax::{parse, parse_in};

/// A text and what it is called.
#[derive(Clone, Copy, Debug)]
pub struct Source<'t> {
    /// How messages name the text: usually its path.
    pub name: &'t str,
    /// The text.
    pub text: &'t str,
    /// Its language.
    pub format: Format,
}

impl<'t> Source<'t> {
    /// What others than the check have to say about the value that a JSON pointer names, at its place; at the nearest
    /// value around it if it is not there. Nothing if the text does not parse.
    #[must_use]
    pub fn diagnose(
        &self,
        pointer: &str,
        code: &'static str,
        message: String,
        help: Option<String>,
    ) -> Option<Diagnostic> {
        let root = parse(self.text, self.format, SourceId(0)).ok()?;
        let around = pointer.match_indices('/').rev().map(|(at, _)| &pointer[..at]);
        let node = std::iter::once(pointer).chain(around).find_map(|pointer| root.find(pointer))?;
        Some(Diagnostic::at(self.text, node.span, pointer, code, message, help))
    }

    /// How the value that a JSON pointer names is written, and in which line, from 1. Nothing if it is not there.
    #[must_use]
    pub fn written(&self, pointer: &str) -> Option<(&'t str, usize)> {
        let root = parse(self.text, self.format, SourceId(0)).ok()?;
        let Span { start, end, .. } = root.find(pointer)?.span;
        let (line, _) = Lines::new(self.text).position(start as usize);
        Some((self.text.get(start as usize..end as usize)?, line))
    }

    /// The text without its secrets, for excerpts.
    #[must_use]
    pub fn shown(&self) -> Cow<'t, str> {
        match parse(self.text, self.format, SourceId(0)) {
            Ok(root) => redact::redacted(self.text, &redact::secrets(&root)),
            Err(_) => redact::redacted_unparsed(self.text),
        }
    }
}

/// Reads a document, together with what else has a say in its settings.
///
/// From weak to strong: built-in defaults, the operator file, variables, the document, overrides. Maps are merged key by
/// key, lists are replaced, a `null` unsets.
///
/// ```
/// use runai_spec::{Resolver, Source};
/// use runai_syntax::Format;
/// let text = "image: python:3.12\ncommand: [python, train.py]\nsettings: {gpu_portion_request: 0.5}\n";
/// let source = Source { name: "step.runai.yaml", text, format: Format::Yaml };
/// let resolution = Resolver::new(source).resolve();
/// assert!(resolution.report().ok);
/// assert_eq!(resolution.step().unwrap().settings().gpu_portion_request, 0.5);
/// ```
#[derive(Clone, Debug)]
pub struct Resolver<'t> {
    document: Source<'t>,
    kind: Option<Kind>,
    operator: Option<Source<'t>>,
    operator_values: Vec<Override<'t>>,
    variables: Vec<(&'t str, &'t str)>,
    overrides: Vec<Override<'t>>,
    process_environment: Option<&'t [(String, String)]>,
}

/// One value that stands above the document.
#[derive(Clone, Copy, Debug)]
struct Override<'t> {
    source: Source<'t>,
    key: &'t str,
}

/// What became of a document.
#[derive(Debug)]
pub struct Resolution<'t> {
    pub(crate) sources: Vec<Source<'t>>,
    /// What each source is.
    pub(crate) origins: Vec<Origin>,
    /// The values of each step.
    pub(crate) parts: Vec<Vec<StepPart<'t>>>,
    /// How many of the sources are files: the document, and the operator file if there is one.
    files: usize,
    findings: Vec<RawDiagnostic>,
    kind: Option<Kind>,
    pub(crate) steps: Vec<Step>,
    operator: Option<OperatorSettings>,
}

/// What was found in one of the texts of a resolution.
#[derive(Clone, Debug)]
pub struct SourceReport<'t> {
    /// How messages name the text.
    pub name: &'t str,
    /// The text with its secrets starred out, for excerpts; offsets and lines are those of the text itself.
    pub shown: Cow<'t, str>,
    /// What was found.
    pub report: Report,
}

/// A step without mistakes: only a resolution makes one, and only from texts without errors.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) name: Option<String>,
    pub(crate) block: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Environment,
    pub(crate) settings: StepSettings,
    pub(crate) image_pull_secret: Option<String>,
    /// Whether a value of it is not known before placeholders are substituted.
    pub(crate) unresolved: bool,
}

impl<'t> Resolver<'t> {
    /// Reads `document`, of the kind that its keys speak for.
    #[must_use]
    pub const fn new(document: Source<'t>) -> Self {
        Self {
            document,
            kind: None,
            operator: None,
            operator_values: Vec::new(),
            variables: Vec::new(),
            overrides: Vec::new(),
            process_environment: None,
        }
    }

    /// Takes the document for one of this kind.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Takes defaults from this operator file.
    #[must_use]
    pub const fn operator(mut self, operator: Source<'t>) -> Self {
        self.operator = Some(operator);
        self
    }

    /// Takes one key of the operator file from elsewhere: a variable of the environment, a flag. It is stronger than the
    /// file, and than what was taken before; messages call it `name`. Nothing happens for a key that no operator file has.
    #[must_use]
    pub fn operator_value(mut self, name: &'t str, key: &'t str, value: &'t str) -> Self {
        if OPERATOR_KEYS.contains(&key) {
            let source = Source { name, text: value, format: Format::Yaml };
            self.operator_values.push(Override { source, key });
        }
        self
    }

    /// Takes a setting from a variable of the environment, such as `RUNAI_GPU_DEVICES_REQUEST`. Only scalar settings have
    /// variables; others are passed over.
    #[must_use]
    pub fn variable(mut self, name: &'t str, value: &'t str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Overrides one value: a setting (`gpu_portion_request`), a part of one (`labels.team`), or a part of the step file
    /// (`image`, `environment.EPOCHS`). The value is read as YAML where the setting is not a text; messages call it `name`.
    #[must_use]
    pub fn set(mut self, name: &'t str, key: &'t str, value: &'t str) -> Self {
        self.overrides.push(Override { source: Source { name, text: value, format: Format::Yaml }, key });
        self
    }

    /// Replaces `${NAME}` in a ZenML run configuration by these variables, as ZenML does with those of its own process, and
    /// reports which are missing. Without them the values stay unknown, and a step that depends on them is not resolved.
    #[must_use]
    pub const fn process_environment(mut self, variables: &'t [(String, String)]) -> Self {
        self.process_environment = Some(variables);
        self
    }

    /// Reads it all, and finds everything that is wrong in one pass.
    #[must_use]
    pub fn resolve(self) -> Resolution<'t> {
        let mut context = ResolveContext {
            sources: vec![self.document],
            origins: vec![Origin::Document],
            parts: Vec::new(),
            findings: Vec::new(),
            defaults: None,
            operator: None,
            operator_values: self.operator_values,
            kind: self.kind,
            steps: Vec::new(),
            process_environment: self.process_environment,
        };
        let files = 1 + usize::from(self.operator.is_some());
        let operator = match self.operator {
            Some(operator) => {
                let id = context.source(operator, Origin::Operator);
                let root = parse_operator(operator.text, operator.format, id);
                root.map_err(|finding| context.findings.push(finding)).ok()
            }
            // A document that is an operator file itself takes them; without any file they stand alone.
            None if context.operator_values.is_empty() || context.kind == Some(Kind::Operator) => None,
            None => Some(nothing(SourceId(0))),
        };
        if let Some(root) = operator {
            let settings = context.operator_file(root);
            context.defaults = settings.map(|settings| Layer { settings, pointer: String::new() });
        }
        context.parse_document(&self.variables, &self.overrides);
        Resolution {
            sources: context.sources,
            origins: context.origins,
            parts: context.parts,
            files,
            findings: context.findings,
            kind: context.kind,
            steps: context.steps,
            operator: context.operator,
        }
    }
}

/// An operator file, in which everything may be commented out.
fn parse_operator(text: &str, format: Format, id: SourceId) -> Result<Node<'_>, RawDiagnostic> {
    match parse(text, format, id) {
        Err(finding) if finding.rule == &rules::text::EMPTY => Ok(nothing(id)),
        parsed => parsed,
    }
}

/// A map without keys.
fn nothing<'t>(source: SourceId) -> Node<'t> {
    Node { value: Value::Map(Map::default()), span: Span { source, start: 0, end: 0 } }
}

impl<'t> Resolution<'t> {
    /// What was found in the document itself.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report_of(SourceId(0))
    }

    /// What was found anywhere: the document first, then every other text in which something was found.
    #[must_use]
    pub fn reports(&self) -> Vec<SourceReport<'t>> {
        let ids = (0..self.sources.len()).filter_map(|index| u16::try_from(index).ok()).map(SourceId);
        ids.filter(|id| *id == SourceId(0) || self.findings.iter().any(|finding| finding.span.source == *id))
            .map(|id| {
                let source = self.sources[usize::from(id.0)];
                // Few texts are shown, so only those are read again for their secrets.
                SourceReport { name: source.name, shown: source.shown(), report: self.report_of(id) }
            })
            .collect()
    }

    /// What was found, in no particular order.
    #[must_use]
    pub fn findings(&self) -> &[RawDiagnostic] {
        &self.findings
    }

    /// Whether any text has an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(RawDiagnostic::is_error)
    }

    /// What kind of document it is; unknown if it does not parse.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The step, if there is one, nothing is wrong, and no placeholder is left in it. For a ZenML run configuration, its first
    /// step on a Run:ai step operator.
    #[must_use]
    pub fn step(&self) -> Option<&Step> {
        self.steps.first().filter(|step| !step.unresolved && !self.has_errors())
    }

    /// The step of this name in a ZenML run configuration, if nothing is wrong and no placeholder is left in it.
    #[must_use]
    pub fn step_named(&self, name: &str) -> Option<&Step> {
        let step = self.steps.iter().find(|step| step.block.as_deref() == Some(name));
        step.filter(|step| !step.unresolved && !self.has_errors())
    }

    /// Names of the steps of a ZenML run configuration that run on a Run:ai step operator.
    pub fn step_names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.block.as_deref())
    }

    /// The keys of the operator file, if it has no error of its own.
    #[must_use]
    pub const fn operator(&self) -> Option<&OperatorSettings> {
        self.operator.as_ref()
    }

    fn report_of(&self, id: SourceId) -> Report {
        let found = self.findings.iter().filter(|found| found.span.source == id);
        Report::of_source(&self.sources, self.files, id, found)
    }
}

impl Step {
    /// Name of the step; for a ZenML run configuration that of its step.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Name of the step of a ZenML run configuration that it comes from.
    #[must_use]
    pub fn block(&self) -> Option<&str> {
        self.block.as_deref()
    }

    /// Its image, unless the document is one of settings alone.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// Its command, one item a token, unless the document is one of settings alone.
    #[must_use]
    pub fn command(&self) -> Option<&[String]> {
        self.command.as_deref()
    }

    /// Its environment.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Its settings, merged from wherever they come.
    #[must_use]
    pub const fn settings(&self) -> &StepSettings {
        &self.settings
    }

    /// Name of the secret that its image is pulled with.
    #[must_use]
    pub fn image_pull_secret(&self) -> Option<&str> {
        self.image_pull_secret.as_deref()
    }

    /// The step that `file` describes, which was built in Rust code.
    ///
    /// # Errors
    ///
    /// The same as for a text that says the same.
    pub fn new(file: &StepFile) -> Result<Self, Report> {
        let text = serde_json::to_string(file).unwrap_or_default();
        let source = Source { name: "step", text: &text, format: Format::Json };
        let resolution = Resolver::new(source).kind(Kind::Step).resolve();
        resolution.step().cloned().ok_or_else(|| resolution.report())
    }
}

/// Settings that stand under others.
#[derive(Clone)]
pub(crate) struct Layer<'t> {
    pub(crate) settings: Node<'t>,
    /// JSON pointer of the map in its text.
    pub(crate) pointer: String,
}

/// The state of a resolution.
pub(crate) struct ResolveContext<'t> {
    pub(crate) sources: Vec<Source<'t>>,
    /// What each source is.
    origins: Vec<Origin>,
    /// The values of each step.
    pub(crate) parts: Vec<Vec<StepPart<'t>>>,
    pub(crate) findings: Vec<RawDiagnostic>,
    /// The step settings in the operator file.
    defaults: Option<Layer<'t>>,
    operator: Option<OperatorSettings>,
    /// Keys of the operator file from elsewhere, the weakest first.
    operator_values: Vec<Override<'t>>,
    kind: Option<Kind>,
    pub(crate) steps: Vec<Step>,
    /// What placeholders are replaced by; they stay unknown without it.
    pub(crate) process_environment: Option<&'t [(String, String)]>,
}

impl<'t> ResolveContext<'t> {
    fn source(&mut self, source: Source<'t>, origin: Origin) -> SourceId {
        self.sources.push(source);
        self.origins.push(origin);
        SourceId(u16::try_from(self.sources.len() - 1).unwrap_or(u16::MAX))
    }

    /// Parses the document in the version of YAML that its kind is read in, and resolves it.
    fn parse_document(&mut self, variables: &[(&'t str, &'t str)], overrides: &[Override<'t>]) {
        let Source { text, format, name } = self.sources[0];
        let id = SourceId(0);
        let has_pyyaml = format != Format::Toml;
        let parsed = match self.kind {
            Some(Kind::Operator) => parse_operator(text, format, id),
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
            Err(finding) => {
                // What our own files may not hold, ZenML may read, and the other way round.
                if self.kind.is_none()
                    && has_pyyaml
                    && let Ok((root, _)) = parse_in(text, format, id, Dialect::PyYaml)
                    && is_zenml(&root)
                {
                    self.parse_as_zenml(variables, overrides);
                } else if self.kind.is_none()
                    && let Some(name) = foreign_beginning(text, &finding)
                {
                    self.report_foreign(name, finding.span);
                } else {
                    self.findings.push(finding);
                }
            }
        }
    }

    fn parse_as_zenml(&mut self, variables: &[(&'t str, &'t str)], overrides: &[Override<'t>]) {
        self.kind = Some(Kind::Zenml);
        let Source { text, format, .. } = self.sources[0];
        match parse_in(text, format, SourceId(0), Dialect::PyYaml) {
            Ok((root, mut warnings)) => {
                self.findings.append(&mut warnings);
                self.document(root, variables, overrides);
            }
            Err(finding) => self.findings.push(finding),
        }
    }

    fn report_foreign(&mut self, name: &str, span: Span) {
        let finding = RawDiagnostic::new(&rules::text::FOREIGN_FILE, span, format!("this is {name}"));
        self.findings.push(finding.with_help(
            "`runai-step` reads step files (`image`, `command`), settings, operator files and ZenML run configurations; \
             `--kind` takes the file for one of them",
        ));
    }

    fn document(&mut self, root: Node<'t>, variables: &[(&'t str, &'t str)], overrides: &[Override<'t>]) {
        let Node { value: Value::Map(mut map), span } = root else {
            let finding =
                RawDiagnostic::new(&rules::shape::WRONG_TYPE, root.span, "the document is not a map".to_owned());
            self.findings.push(finding.with_help("write keys and values: `image: …`, `command: […]`, `settings: {…}`"));
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

    /// What stands under the document's settings, the weakest first.
    fn layers(&mut self, variables: &[(&'t str, &'t str)]) -> Vec<Layer<'t>> {
        let mut layers: Vec<_> = self.defaults.iter().cloned().collect();
        for (name, value) in variables {
            let Some(key) = name.strip_prefix(VARIABLE_PREFIX).map(str::to_ascii_lowercase) else { continue };
            let shape::Kind::Struct(settings) = &shape::STEP_SETTINGS.kind else { continue };
            let Some(field) = settings.field(&key).filter(|field| is_scalar(&field.shape)) else { continue };
            let id = self.source(Source { name, text: value, format: Format::Yaml }, Origin::Variable);
            if let Some(node) = self.scalar(value, id, &field.shape) {
                let entry = Entry { key: Cow::Owned(key), key_span: node.span, value: node };
                let settings = Node { span: entry.key_span, value: Value::Map(Map(vec![entry])) };
                layers.push(Layer { settings, pointer: String::new() });
            }
        }
        layers
    }

    /// The value of a variable or override, read as the setting wants it.
    fn scalar(&mut self, value: &'t str, id: SourceId, shape: &Shape) -> Option<Node<'t>> {
        let span = Span { source: id, start: 0, end: u32::try_from(value.len()).unwrap_or(u32::MAX) };
        let text = || Node { value: Value::String(Text { text: Cow::Borrowed(value), plain: false }), span };
        if matches!(shape.kind, shape::Kind::String(_) | shape::Kind::Enum(_) | shape::Kind::ScalarText) {
            let null = shape.nullable && matches!(value, "null" | "~");
            return Some(if null { Node { value: Value::Null, span } } else { text() });
        }
        if value.trim().is_empty() {
            return Some(text());
        }
        match parse(value, Format::Yaml, id) {
            Ok(node) => Some(node),
            // `null` alone is an empty document to the reader.
            Err(finding) if finding.rule == &rules::text::EMPTY => Some(Node { value: Value::Null, span }),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        }
    }

    /// The values of `--set`, and where in a step, or in its settings, each belongs.
    fn overrides(&mut self, kind: Kind, overrides: &[Override<'t>]) -> Vec<(Vec<String>, Node<'t>)> {
        let mut values = Vec::new();
        for Override { source, key } in overrides {
            let id = self.source(*source, Origin::Override);
            let value = source.text;
            let span = Span { source: id, start: 0, end: u32::try_from(value.len()).unwrap_or(u32::MAX) };
            let mut path: Vec<&str> = key.split('.').collect();
            // Variables, labels and annotations have dots in their own names.
            let free = path.iter().position(|segment| FREE_MAPS.contains(segment)).map(|at| at + 1);
            let tail = free.filter(|at| *at < path.len()).map(|at| path.split_off(at).join("."));
            let mut path: Vec<String> = path.into_iter().map(str::to_owned).chain(tail).collect();
            let shape = match kind {
                Kind::Step => {
                    if !STEP_KEYS.contains(&path[0].as_str()) {
                        path.insert(0, SETTINGS_KEY.to_owned());
                    }
                    &shape::STEP_FILE
                }
                _ => &shape::STEP_SETTINGS,
            };
            let node = match shape_at(shape, &path) {
                Some(shape) => self.scalar(value, id, shape),
                None => Some(Node { value: Value::String(Text { text: Cow::Borrowed(value), plain: false }), span }),
            };
            values.extend(node.map(|node| (path, node)));
        }
        values
    }

    /// Checks an operator file, and gives the step settings in it.
    fn operator_file(&mut self, root: Node<'t>) -> Option<Node<'t>> {
        let Node { value: Value::Map(mut map), span } = root else {
            self.findings.push(
                RawDiagnostic::new(&rules::shape::WRONG_TYPE, root.span, "the operator file is not a map".to_owned())
                    .with_help("write keys and values: `runai_base_url: …`, `project_name: …`"),
            );
            return None;
        };
        map.remove(SCHEMA_KEY);
        let mut root = Node { value: Value::Map(map), span };
        for Override { source, key } in std::mem::take(&mut self.operator_values) {
            let is_variable = source.name.starts_with(VARIABLE_PREFIX);
            let id = self.source(source, if is_variable { Origin::Variable } else { Origin::Override });
            let path = [key.to_owned()];
            let value = shape_at(&shape::OPERATOR_FILE, &path).and_then(|shape| self.scalar(source.text, id, shape));
            if let Some(value) = value {
                let place = value.span;
                put(&mut root, &path, value, place);
            }
        }
        let mut validator = Validator::default();
        validator.check(&mut root, &shape::OPERATOR_FILE, &[], in_operator_file);
        let Value::Map(map) = root.value.clone() else { return None };
        let (own, step) = map.0.into_iter().partition(|entry| OPERATOR_KEYS.contains(&&*entry.key));
        let node = |entries| Node { value: Value::Map(Map(entries)), span };
        let (own, step) = (node(own), node(step));
        let operator = self.typed::<OperatorSettings>(&own);
        let settings = self.typed::<StepSettings>(&step);
        self.findings.append(&mut validator.findings);
        let mut context = RuleContext {
            sources: &self.sources,
            root: &root,
            base: "",
            broken: &validator.broken,
            origins: &[],
            findings: &mut self.findings,
            shared: true,
        };
        if let Some(operator) = &operator {
            rules::operator::check(operator, &mut context);
        }
        if let Some(settings) = settings {
            rules::check_settings(&settings, &mut context);
        }
        rules::zenml::check_references(&root, &mut context);
        rules::step::literal_placeholders(&mut context);
        rules::step::unusual_characters(&mut context);
        self.operator = operator.filter(|_| !self.findings.iter().any(RawDiagnostic::is_error));
        Some(step)
    }

    fn step_file(&mut self, mut root: Node<'t>, layers: &[Layer<'t>]) {
        let mut origins = origins(layers);
        if let Value::Map(map) = &mut root.value {
            let own = map.get(SETTINGS_KEY).filter(|own| own.value != Value::Null);
            if let Some(own) = own {
                origins.push((own.span, format!("/{SETTINGS_KEY}")));
            }
            // Alone it stays where it is.
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
        validator.check(&mut root, &shape::STEP_FILE, &[], in_step_file);
        let file = self.typed::<StepFile>(&root);
        self.findings.append(&mut validator.findings);
        let Some(file) = file else { return };
        let (environment, settings) = (file.environment.unwrap_or_default(), file.settings.unwrap_or_default());
        let base = format!("/{SETTINGS_KEY}");
        let mut context = RuleContext {
            sources: &self.sources,
            root: &root,
            base: "",
            broken: &validator.broken,
            origins: &[],
            findings: &mut self.findings,
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

    /// Checks a document of settings alone, and makes it a step.
    fn settings(&mut self, own: Node<'t>, layers: &[Layer<'t>]) {
        let mut origins = origins(layers);
        origins.push((own.span, String::new()));
        let Some(mut root) = merge_layers(layers, Some(own)) else { return };
        let mut validator = Validator::default();
        let usable = validator.check(&mut root, &shape::STEP_SETTINGS, &[], in_settings);
        self.findings.append(&mut validator.findings);
        let Some(settings) = usable.then(|| self.typed::<StepSettings>(&root)).flatten() else { return };
        let mut context = RuleContext {
            sources: &self.sources,
            root: &root,
            base: "",
            broken: &validator.broken,
            origins: &origins,
            findings: &mut self.findings,
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
        debug_assert!(typed.is_some(), "the check accepted what the types refuse");
        if typed.is_none() {
            let message = "the check and the types disagree about this".to_owned();
            let finding = RawDiagnostic::new(&rules::shape::WRONG_TYPE, node.span, message);
            self.findings.push(finding.with_help("this is a bug of runai-step; please report it with this file"));
        }
        typed
    }
}

/// Key that names the JSON Schema of a file to editors. Allowed at the top of every document.
const SCHEMA_KEY: &str = "$schema";
pub(crate) const SETTINGS_KEY: &str = "settings";
/// Keys of the step file.
const STEP_KEYS: [&str; 5] = ["command", "environment", "image", "name", SETTINGS_KEY];
/// Maps whose keys are free, and may hold dots.
const FREE_MAPS: [&str; 4] = ["annotations", "environment", "extended_resources", "labels"];
/// Variables of settings are called this and the key in capitals.
pub const VARIABLE_PREFIX: &str = "RUNAI_";

fn is_scalar(shape: &Shape) -> bool {
    !matches!(shape.kind, shape::Kind::List { .. } | shape::Kind::Map { .. } | shape::Kind::Struct(_))
}

fn shape_at<'s>(shape: &'s Shape, path: &[String]) -> Option<&'s Shape> {
    path.iter().try_fold(shape, |shape, segment| match &shape.kind {
        shape::Kind::Struct(structure) => structure.field(segment).map(|field| &field.shape),
        shape::Kind::Map { value, .. } => Some(&**value),
        shape::Kind::List { item, .. } => Some(&**item),
        _ => None,
    })
}

/// Puts the values of `--set` in their places.
pub(crate) fn overridden<'t>(root: &mut Node<'t>, overrides: &[(Vec<String>, Node<'t>)]) {
    for (path, value) in overrides {
        put(root, path, value.clone(), value.span);
    }
}

/// Sets the value at `path`, making the maps on the way.
fn put<'t>(node: &mut Node<'t>, path: &[String], value: Node<'t>, span: Span) {
    let Some((key, rest)) = path.split_first() else {
        *node = value;
        return;
    };
    if let Value::List(items) = &mut node.value
        && let Some(item) = key.parse::<usize>().ok().and_then(|index| items.get_mut(index))
    {
        put(item, rest, value, span);
        return;
    }
    if !matches!(node.value, Value::Map(_)) {
        *node = Node { value: Value::Map(Map::default()), span };
    }
    let Value::Map(map) = &mut node.value else { return };
    if map.get(key).is_none() {
        let empty = Node { value: Value::Map(Map::default()), span };
        map.0.push(Entry { key: Cow::Owned(key.clone()), key_span: span, value: empty });
    }
    if let Some(entry) = map.0.iter_mut().find(|entry| entry.key == key.as_str()) {
        put(&mut entry.value, rest, value, span);
    }
}

/// Stretches of text whose settings are merged under a document's, and where they stand in their own texts.
pub(crate) fn origins(layers: &[Layer<'_>]) -> Vec<(Span, String)> {
    layers.iter().map(|layer| (layer.settings.span, layer.pointer.clone())).collect()
}

fn merge_layers<'t>(layers: &[Layer<'t>], own: Option<Node<'t>>) -> Option<Node<'t>> {
    layers.iter().map(|layer| layer.settings.clone()).chain(own).reduce(|under, over| merge(under, over, false))
}

/// Merges maps key by key; anything else of `over` replaces what is `under` it. In maps with free keys a `null` takes the
/// entry under it out.
fn merge<'t>(under: Node<'t>, over: Node<'t>, free: bool) -> Node<'t> {
    let (mut merged, map) = match (under.value, over.value) {
        (Value::Map(under), Value::Map(over)) => (under, over),
        (_, value) => return Node { value, span: over.span },
    };
    for entry in map.0 {
        let Some(index) = merged.0.iter().position(|own| own.key == entry.key) else {
            merged.0.push(entry);
            continue;
        };
        if free && entry.value.value == Value::Null {
            merged.0.remove(index);
            continue;
        }
        let below_is_free = FREE_MAPS.contains(&&*entry.key);
        let Entry { key, key_span, value } = entry;
        let placeholder = Node { value: Value::Null, span: key_span };
        let under = std::mem::replace(&mut merged.0[index].value, placeholder);
        merged.0[index] = Entry { key, key_span, value: merge(under, value, below_is_free) };
    }
    Node { value: Value::Map(merged), span: over.span }
}

fn in_operator_file(key: &str) -> Option<KeyHint> {
    STEP_KEYS.contains(&key).then(|| format!("`{key}` belongs in a step file").into())
}

pub(crate) fn in_settings(key: &str) -> Option<KeyHint> {
    if OPERATOR_KEYS.contains(&key) {
        Some(format!("`{key}` belongs in the operator file").into())
    } else {
        STEP_KEYS.contains(&key).then(|| {
            format!(
                "`{key}` belongs in a step file, beside `image` and `command`; `--kind step` takes this file for one"
            )
            .into()
        })
    }
}

fn in_step_file(key: &str) -> Option<KeyHint> {
    let shape::Kind::Struct(settings) = &shape::STEP_SETTINGS.kind else { return None };
    if settings.field(key).is_some() {
        Some(KeyHint { help: format!("`{key}` belongs below `settings:`"), below_settings: true })
    } else {
        OPERATOR_KEYS.contains(&key).then(|| format!("`{key}` belongs in the operator file").into())
    }
}
