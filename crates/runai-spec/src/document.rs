//! Documents that change over time, for editors.

use std::cell::OnceCell;
use std::fmt;

use runai_api::permissions::Permissions;
use runai_syntax::{ConvertError, Edit, EditError, Format, Tree, convert, edit_to};
use self_cell::self_cell;

use crate::diagnostic::Report;
use crate::fix::Fix;
use crate::inactive::{Inactive, inactive};
use crate::kind::Kind;
use crate::permissions::permissions;
use crate::render::Context;
use crate::resolve::{Resolution, Resolver, Source, Step};
use crate::snippets::{self, Snippet};
use crate::source_map::{Location, SourceMap};

/// A document that changes over time.
///
/// Each change resolves the text once. Report, values, body, source map, inactive settings and permissions are computed on
/// demand, and cached until the next change.
///
/// ```
/// use runai_spec::{Document, Source};
/// use runai_syntax::{Format, Tree};
/// let text = "image: python:3.12\ncommand: [python, train.py]\nsettings: {gpu_portion: 0.5}\n";
/// let mut document = Document::new(Source { name: "step.runai.yaml", text, format: Format::Yaml });
/// assert_eq!(document.report().diagnostics[0].code, "unknown-key");
/// let fix = document.fix("unknown-key", "/settings/gpu_portion").expect("a fix").clone();
/// assert!(document.apply_fix(&fix));
/// let edits = document.edit("/settings/gpu_portion_request", Some(&Tree::from(0.25))).unwrap();
/// assert!(document.apply(&edits));
/// assert!(document.text().ends_with("settings: {gpu_portion_request: 0.25}\n"));
/// assert!(document.body().expect("no errors").contains("\"gpuPortionRequest\": 0.25"));
/// ```
#[derive(Debug)]
pub struct Document {
    resolved: Resolved,
    context: Context,
    step: Option<String>,
    derived: Derived,
}

/// An owned [`Source`].
#[derive(Clone, Debug)]
struct OwnedSource {
    name: String,
    text: String,
    format: Format,
}

/// The sources of a resolution.
#[derive(Debug)]
struct Texts {
    document: OwnedSource,
    operator: Option<OwnedSource>,
    kind: Option<Kind>,
}

self_cell! {
    /// Sources, and the resolution that borrows from them.
    struct Resolved {
        owner: Texts,
        #[covariant]
        dependent: Resolution,
    }
}

/// Cached results that depend on the resolution.
#[derive(Debug, Default)]
struct Derived {
    report: OnceCell<Report>,
    operator_report: OnceCell<Option<Report>>,
    values: OnceCell<Result<String, ConvertError>>,
    permissions: OnceCell<Permissions>,
    inactive: OnceCell<Vec<StepInactive>>,
    rendered: Rendered,
}

/// Cached results that also depend on the context.
#[derive(Debug, Default)]
struct Rendered {
    body: OnceCell<Option<String>>,
    source_map: OnceCell<Option<SourceMap>>,
}

/// The settings of one step that have no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepInactive {
    /// The name of the step in a ZenML run configuration.
    pub step: Option<String>,
    /// The settings.
    pub settings: Vec<Inactive>,
}

impl OwnedSource {
    fn new(source: Source<'_>) -> Self {
        Self { name: source.name.to_owned(), text: source.text.to_owned(), format: source.format }
    }

    fn borrow(&self) -> Source<'_> {
        Source { name: &self.name, text: &self.text, format: self.format }
    }
}

impl Texts {
    fn resolve(&self) -> Resolution<'_> {
        let mut resolver = Resolver::new(self.document.borrow());
        if let Some(kind) = self.kind {
            resolver = resolver.kind(kind);
        }
        if let Some(operator) = &self.operator {
            resolver = resolver.operator(operator.borrow());
        }
        resolver.resolve()
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resolved").field(self.borrow_owner()).finish()
    }
}

impl Document {
    /// Creates a document. Its kind is detected.
    #[must_use]
    pub fn new(source: Source<'_>) -> Self {
        let texts = Texts { document: OwnedSource::new(source), operator: None, kind: None };
        let resolved = Resolved::new(texts, Texts::resolve);
        Self { resolved, context: Context::default(), step: None, derived: Derived::default() }
    }

    /// Sets the kind of the document.
    #[must_use]
    pub fn with_kind(mut self, kind: Option<Kind>) -> Self {
        let Texts { document, operator, kind: before } = self.resolved.borrow_owner();
        if *before != kind {
            self.resolve(Texts { document: document.clone(), operator: operator.clone(), kind });
        }
        self
    }

    /// Sets the operator file, whose settings are defaults.
    #[must_use]
    pub fn with_operator(mut self, operator: Option<Source<'_>>) -> Self {
        self.set_operator(operator);
        self
    }

    /// Sets the context that the body is rendered with.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.set_context(context);
        self
    }

    /// Sets the step of a ZenML run configuration to render. Default: the first one.
    #[must_use]
    pub fn with_step(mut self, step: Option<String>) -> Self {
        self.set_step(step);
        self
    }

    /// Replaces the text.
    pub fn set_text(&mut self, text: &str) {
        if text != self.text() {
            let Texts { document: OwnedSource { name, format, .. }, operator, kind } = self.resolved.borrow_owner();
            let document = OwnedSource { name: name.clone(), text: text.to_owned(), format: *format };
            self.resolve(Texts { document, operator: operator.clone(), kind: *kind });
        }
    }

    /// Applies edits, and returns whether they are in range, ascending and without overlap.
    pub fn apply(&mut self, edits: &[Edit]) -> bool {
        let edits: Vec<_> = edits.iter().map(|edit| (edit.from, edit.to, &*edit.insert)).collect();
        self.apply_all(&edits)
    }

    /// Applies a fix of this document's diagnostics, and returns whether its edits are valid.
    pub fn apply_fix(&mut self, fix: &Fix) -> bool {
        let name = &self.source().name;
        if fix.edits.iter().any(|edit| edit.path != *name) {
            return false;
        }
        let edits: Vec<_> = fix.edits.iter().map(|edit| (edit.offset, edit.end_offset, &*edit.insert)).collect();
        self.apply_all(&edits)
    }

    fn apply_all(&mut self, edits: &[(usize, usize, &str)]) -> bool {
        let text = self.text();
        let mut changed = String::with_capacity(text.len());
        let mut at = 0;
        for (from, to, insert) in edits {
            let Some(kept) = text.get(at..*from).filter(|_| from <= to && text.is_char_boundary(*to)) else {
                return false;
            };
            changed.push_str(kept);
            changed.push_str(insert);
            at = *to;
        }
        changed.push_str(&text[at..]);
        self.set_text(&changed);
        true
    }

    /// Replaces the operator file.
    pub fn set_operator(&mut self, operator: Option<Source<'_>>) {
        let Texts { document, kind, .. } = self.resolved.borrow_owner();
        self.resolve(Texts { document: document.clone(), operator: operator.map(OwnedSource::new), kind: *kind });
    }

    /// Replaces the context that the body is rendered with.
    pub fn set_context(&mut self, context: Context) {
        if context != self.context {
            self.context = context;
            self.derived.rendered = Rendered::default();
        }
    }

    /// Sets the step of a ZenML run configuration to render.
    pub fn set_step(&mut self, step: Option<String>) {
        if step != self.step {
            self.step = step;
            self.derived.rendered = Rendered::default();
        }
    }

    fn resolve(&mut self, texts: Texts) {
        self.resolved = Resolved::new(texts, Texts::resolve);
        self.derived = Derived::default();
    }

    /// Returns the current source.
    #[must_use]
    pub fn source(&self) -> Source<'_> {
        self.resolved.borrow_owner().document.borrow()
    }

    /// Returns the current text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.source().text
    }

    /// Returns the operator file.
    #[must_use]
    pub fn operator(&self) -> Option<Source<'_>> {
        self.resolved.borrow_owner().operator.as_ref().map(OwnedSource::borrow)
    }

    /// Returns the context that the body is rendered with.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the resolution of the text.
    #[must_use]
    pub fn resolution(&self) -> &Resolution<'_> {
        self.resolved.borrow_dependent()
    }

    /// Returns the kind of the document, if it parses.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.resolution().kind()
    }

    /// Returns the report of the document.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.derived.report.get_or_init(|| self.resolution().report())
    }

    /// Returns the report of the operator file, if it has diagnostics.
    #[must_use]
    pub fn operator_report(&self) -> Option<&Report> {
        let report = || {
            let name = self.operator()?.name;
            // The first report is the document's.
            let found = self.resolution().reports().into_iter().skip(1).find(|found| found.name == name)?;
            Some(found.report)
        };
        self.derived.operator_report.get_or_init(report).as_ref()
    }

    /// Returns the values of the document as JSON, or an empty string if the document is empty.
    ///
    /// # Errors
    ///
    /// The text does not parse, or contains a value that JSON cannot represent.
    pub fn values(&self) -> Result<&str, &ConvertError> {
        let Source { text, format, .. } = self.source();
        self.derived.values.get_or_init(|| convert(text, format, Format::Json)).as_deref()
    }

    /// Returns the step that is rendered, if there are no errors.
    #[must_use]
    pub fn step(&self) -> Option<&Step> {
        match &self.step {
            Some(name) => self.resolution().step_named(name),
            None => self.resolution().step(),
        }
    }

    /// Returns the body of the request as indented JSON, if there are no errors.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        let body = || Some(self.step()?.body(&self.context));
        self.derived.rendered.body.get_or_init(body).as_deref()
    }

    /// Returns the sources of the body's members, if there are no errors.
    #[must_use]
    pub fn source_map(&self) -> Option<&SourceMap> {
        let map = || self.resolution().source_map(self.step.as_deref(), &self.context);
        self.derived.rendered.source_map.get_or_init(map).as_ref()
    }

    /// Returns the settings of each step that have no effect. If the document has errors, invalid values count as missing.
    #[must_use]
    pub fn inactive(&self) -> &[StepInactive] {
        self.derived.inactive.get_or_init(|| {
            let resolution = self.resolution();
            let steps = resolution.steps.iter().map(|step| (step.block.clone(), &step.settings));
            let operator = resolution.operator_step.as_ref().map(|settings| (None, settings));
            // Only if the document is an operator file.
            let operator = operator.filter(|_| self.kind() == Some(Kind::Operator));
            let found = |(step, settings)| StepInactive { step, settings: inactive(settings) };
            steps.chain(operator).map(found).collect()
        })
    }

    /// Returns the permissions that a service account needs.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        self.derived.permissions.get_or_init(|| permissions(self.resolution()))
    }

    /// Returns commands and programs that submit the step, if there are no errors.
    #[must_use]
    pub fn snippets(&self, base_url: Option<&str>) -> Option<Vec<Snippet>> {
        Some(snippets::all(self.step()?, &self.context, self.source().format, base_url))
    }

    /// Returns the first fix of the diagnostic with a code and a JSON pointer.
    #[must_use]
    pub fn fix(&self, code: &str, pointer: &str) -> Option<&Fix> {
        let found = self.report().diagnostics.iter().filter(|found| found.code == code && found.path == pointer);
        found.flat_map(|found| &found.fixes).next()
    }

    /// Returns the smallest edits that set the value at a JSON pointer, or remove it; see [`runai_syntax::edit_to`].
    ///
    /// # Errors
    ///
    /// The value cannot be set in the text.
    pub fn edit(&self, pointer: &str, value: Option<&Tree<'_>>) -> Result<Vec<Edit>, EditError> {
        let Source { text, format, .. } = self.source();
        edit_to(text, format, pointer, value)
    }

    /// Returns the location of the value at a JSON pointer, or where it would be inserted.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Option<Location> {
        self.source().locate(pointer)
    }
}
