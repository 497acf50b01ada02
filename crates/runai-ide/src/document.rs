//! A document in an editor, and what the features ask of it.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use runai_spec::{Context, Document, Kind, OPERATOR_KEYS, Source, SourceMap, SourceSpan};
use runai_syntax::Format;
use serde_json::Value as Json;

use crate::facts::ClusterFacts;
use crate::scan::{Outline, scan};
use crate::schema;
use crate::secrets;

/// A document that an editor has open, with the operator file that applies to it and what is known of the cluster.
///
/// All offsets are bytes of UTF-8; [`LineIndex`](crate::LineIndex) converts them.
#[derive(Debug)]
pub struct EditorDocument {
    pub(crate) document: Document,
    pub(crate) facts: Option<Arc<ClusterFacts>>,
    /// The last text without an error, for values in force while the present one has errors.
    good: Option<String>,
    /// The document that it is.
    good_document: OnceCell<Document>,
}

/// A replacement of a stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// Name of the text: that of the document or of the operator file.
    pub name: String,
    /// The bytes that are replaced.
    pub range: Range<usize>,
    /// The new text.
    pub insert: String,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the text: that of the document or of the operator file.
    pub name: String,
    /// The place.
    pub range: Range<usize>,
}

impl From<SourceSpan> for Target {
    fn from(place: SourceSpan) -> Self {
        Self { name: place.name, range: place.offset..place.end_offset }
    }
}

/// One step of a document as it would be sent.
pub(crate) struct StepView {
    /// Name of the step of a ZenML run configuration.
    pub(crate) step: Option<String>,
    /// The body of the request, without secrets.
    pub(crate) body: Json,
    pub(crate) map: SourceMap,
    /// Whether it is what the present text says.
    pub(crate) is_current: bool,
}

impl EditorDocument {
    /// Returns the document that `source` contains.
    #[must_use]
    pub fn new(source: Source<'_>) -> Self {
        Self { document: Document::new(source), facts: None, good: None, good_document: OnceCell::new() }
    }

    /// Takes defaults from this operator file.
    #[must_use]
    pub fn with_operator(mut self, operator: Option<Source<'_>>) -> Self {
        self.set_operator(operator);
        self
    }

    /// Takes names and policy from these facts.
    #[must_use]
    pub fn with_facts(mut self, facts: Option<Arc<ClusterFacts>>) -> Self {
        self.set_facts(facts);
        self
    }

    /// Replaces the text.
    pub fn set_text(&mut self, text: &str) {
        if text == self.text() {
            return;
        }
        if !self.document.resolution().has_errors() {
            self.good = Some(self.text().to_owned());
            self.good_document = OnceCell::new();
        }
        self.document.set_text(text);
    }

    /// Replaces the operator file.
    pub fn set_operator(&mut self, operator: Option<Source<'_>>) {
        self.document.set_operator(operator);
        self.good_document = OnceCell::new();
    }

    /// Replaces the facts.
    pub fn set_facts(&mut self, facts: Option<Arc<ClusterFacts>>) {
        self.facts = facts;
    }

    /// Returns the document of `runai-spec`.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// Returns the present text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.document.text()
    }

    /// Returns the name of the text.
    #[must_use]
    pub fn name(&self) -> &str {
        self.document.source().name
    }

    pub(crate) fn format(&self) -> Format {
        self.document.source().format
    }

    pub(crate) fn outline(&self, cursor: Option<usize>) -> Outline {
        scan(self.text(), self.format(), cursor)
    }

    /// The kind of the document; a guess by its name and keys while the text does not parse or says nothing.
    pub(crate) fn kind(&self, outline: &Outline) -> Kind {
        let is_root = |pointer: &str| pointer.rfind('/') == Some(0);
        let roots: Vec<&str> =
            outline.entries.iter().filter(|entry| is_root(&entry.pointer)).map(|entry| &entry.pointer[1..]).collect();
        if let Some(kind) = self.document.kind().filter(|kind| *kind != Kind::Settings) {
            return kind;
        }
        let name = self.name().rsplit(['/', '\\']).next().unwrap_or_default();
        if roots.iter().any(|key| ["image", "command", "environment"].contains(key)) {
            Kind::Step
        } else if name.starts_with("runai-step.") || roots.iter().any(|key| OPERATOR_KEYS.contains(key)) {
            Kind::Operator
        } else if outline.entries.iter().any(|entry| schema::block(&entry.pointer).is_some()) {
            Kind::Zenml
        } else if roots.iter().any(|key| schema::at(Kind::Settings, &format!("/{key}")).is_some()) {
            Kind::Settings
        } else {
            Kind::Step
        }
    }

    /// The step as it would be sent; as it was last, while the text has errors.
    pub(crate) fn step_view(&self, step: Option<&str>) -> Option<StepView> {
        view(&self.document, step, true).or_else(|| view(self.good_document()?, step, false))
    }

    /// The last document without errors.
    fn good_document(&self) -> Option<&Document> {
        let text = self.good.as_deref()?;
        Some(self.good_document.get_or_init(|| {
            let Source { name, format, .. } = self.document.source();
            Document::new(Source { name, text, format }).with_operator(self.document.operator())
        }))
    }

    /// The names of the steps of a ZenML run configuration, or one step without a name.
    pub(crate) fn steps(&self) -> Vec<Option<String>> {
        let names: Vec<_> = self.document.resolution().step_names().map(|name| Some(name.to_owned())).collect();
        if names.is_empty() { vec![None] } else { names }
    }
}

fn view(document: &Document, step: Option<&str>, is_current: bool) -> Option<StepView> {
    let resolution = document.resolution();
    let context = Context::default();
    let found = match step {
        Some(name) => resolution.step_named(name),
        None => resolution.step(),
    }?;
    let mut body = serde_json::from_str(&found.body(&context)).ok()?;
    secrets::hide_in_body(&mut body);
    let map = resolution.source_map(step, &context)?;
    Some(StepView { step: step.map(str::to_owned), body, map, is_current })
}
