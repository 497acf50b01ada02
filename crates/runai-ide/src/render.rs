//! The request of a step, without secrets.

use runai_spec::SourceMap;

use crate::document::EditorDocument;

/// The body of a request and where its members come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// Name of the step of a ZenML run configuration.
    pub step: Option<String>,
    /// The body as JSON, in which `***` replaces secrets.
    pub body: String,
    /// Where each member comes from.
    pub map: SourceMap,
    /// Whether the present text says it; the last text without errors otherwise.
    pub is_current: bool,
}

impl EditorDocument {
    /// Returns the request of the step: the first, or in a ZenML run configuration the one that `step` names. Nothing if no
    /// text without errors was seen.
    #[must_use]
    pub fn render(&self, step: Option<&str>) -> Option<Rendered> {
        let view = self.step_view(step)?;
        let body = serde_json::to_string_pretty(&view.body).unwrap_or_default();
        Some(Rendered { step: view.step, body, map: view.map, is_current: view.is_current })
    }

    /// Returns the names of the steps of a ZenML run configuration that run on a Run:ai step operator.
    #[must_use]
    pub fn step_names(&self) -> Vec<String> {
        self.steps().into_iter().flatten().collect()
    }
}
