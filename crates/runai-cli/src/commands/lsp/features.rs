//! Requests beyond diagnostics, completion and hover.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use lsp_server::ErrorCode;
use lsp_types as lsp;
use runai_ide::{ActionKind, DocumentLink, LinkTarget, Symbol, Target, TextEdit};
use runai_spec::explain::{Explanation, explain};
use serde_json::{Value as Json, json};

use super::convert::Places;
use super::documents::{OpenDocument, OperatorPath};
use super::server::{RequestError, RequestResult, Server};
use super::workspace::uri_of;

/// Command that shows the explanation of a rule.
pub(super) const EXPLAIN: &str = "runai-step.explain";
/// Command that returns the request of a step.
pub(super) const RENDER: &str = "runai-step.render";

impl<W: Write> Server<W> {
    pub(super) fn actions(&mut self, params: &lsp::CodeActionParams) -> Option<Vec<Json>> {
        let uri = params.text_document.uri.as_str();
        let encoding = self.client.encoding;
        let only = &params.context.only;
        let document = self.analyzed(uri)?;
        let range = document.places(encoding).offsets(params.range);
        let actions = document.analysis()?.code_actions(&range);
        let diagnostics = &params.context.diagnostics;
        let answers = actions.into_iter().filter_map(|action| {
            let kind = match action.kind {
                // Editors show an explanation beside the fixes.
                ActionKind::Explain | ActionKind::Fix => "quickfix",
                ActionKind::Refactor => "refactor.rewrite",
            };
            let is_wanted = |wanted: &lsp::CodeActionKind| {
                kind.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                    || wanted.as_str().is_empty()
            };
            if only.as_ref().is_some_and(|only| !only.iter().any(is_wanted)) {
                return None;
            }
            let code = action.code.map(|code| lsp::NumberOrString::String(code.to_owned()));
            let about: Vec<_> = diagnostics.iter().filter(|found| code.is_some() && found.code == code).collect();
            let mut answer = json!({"title": action.title, "kind": kind, "diagnostics": about});
            if action.is_preferred {
                answer["isPreferred"] = true.into();
            }
            match action.kind {
                ActionKind::Explain => {
                    answer["command"] = json!({"title": action.title, "command": EXPLAIN, "arguments": [action.code]});
                }
                _ => answer["edit"] = self.workspace_edit(uri, &action.edits)?,
            }
            Some(answer)
        });
        Some(answers.collect())
    }

    /// Edits of a document and of its operator file.
    fn workspace_edit(&self, uri: &str, edits: &[TextEdit]) -> Option<Json> {
        let mut changes: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for edit in edits {
            let target = Target { name: edit.name.clone(), range: edit.range.clone() };
            let lsp::Location { uri, range } = self.location(uri, &target)?;
            let edit = json!({"range": range, "newText": edit.insert});
            changes.entry(uri.as_str().to_owned()).or_default().push(edit);
        }
        Some(json!({"changes": changes}))
    }

    pub(super) fn definition(&mut self, params: &lsp::GotoDefinitionParams) -> Option<Vec<lsp::Location>> {
        let lsp::TextDocumentPositionParams { text_document, position } = &params.text_document_position_params;
        let uri = text_document.uri.as_str();
        let encoding = self.client.encoding;
        let document = self.analyzed(uri)?;
        let offset = document.places(encoding).offset(*position);
        let analysis = document.analysis()?;
        let targets = analysis.definition(offset);
        let (is_operator, path) = (document.is_operator(), document.path.clone());
        if !targets.is_empty() || !is_operator {
            return Some(targets.iter().filter_map(|target| self.location(uri, target)).collect());
        }
        // From the operator file to the open documents that override the setting.
        let setting = analysis.setting_at(offset)?;
        let applies = |other: &&OpenDocument| match (&other.operator, &path) {
            (OperatorPath::Found(operator), Some(path)) => operator == path,
            _ => false,
        };
        let overriding = self.documents.values().filter(applies).flat_map(|other| {
            let places = other.analysis().map(|analysis| analysis.places_of(&setting)).unwrap_or_default();
            places.into_iter().filter_map(|target| self.location(&other.uri, &target))
        });
        Some(overriding.collect())
    }

    pub(super) fn links(&mut self, params: &lsp::DocumentLinkParams) -> Option<Vec<Json>> {
        let encoding = self.client.encoding;
        let document = self.analyzed(params.text_document.uri.as_str())?;
        let places = document.places(encoding);
        let folder = document.path.as_deref().and_then(Path::parent);
        let links = document.analysis()?.document_links().into_iter().filter_map(|DocumentLink { range, target }| {
            let target = match target {
                LinkTarget::File(path) => uri_of(&folder?.join(path))?,
                LinkTarget::Url(url) => url,
            };
            Some(json!({"range": places.range(&range), "target": target}))
        });
        Some(links.collect())
    }

    pub(super) fn symbols(&mut self, params: &lsp::DocumentSymbolParams) -> Option<Vec<Json>> {
        let encoding = self.client.encoding;
        let document = self.analyzed(params.text_document.uri.as_str())?;
        let places = document.places(encoding);
        Some(document.analysis()?.symbols().iter().map(|found| symbol(found, &places)).collect())
    }

    pub(super) fn folding(&mut self, params: &lsp::FoldingRangeParams) -> Option<Vec<Json>> {
        let encoding = self.client.encoding;
        let document = self.analyzed(params.text_document.uri.as_str())?;
        let places = document.places(encoding);
        let ranges = document.analysis()?.folding().into_iter().map(|range| {
            let lsp::Range { start, end } = places.range(&range);
            let is_comment = document.text().get(range.start..).is_some_and(|text| text.starts_with('#'));
            let mut folding = json!({"startLine": start.line, "endLine": end.line});
            if is_comment {
                folding["kind"] = "comment".into();
            }
            folding
        });
        Some(ranges.collect())
    }

    pub(super) fn hints(&mut self, params: &lsp::InlayHintParams) -> Option<Vec<Json>> {
        let encoding = self.client.encoding;
        let document = self.analyzed(params.text_document.uri.as_str())?;
        let places = document.places(encoding);
        let hints = document.analysis()?.inlay_hints(&places.offsets(params.range)).into_iter().map(|hint| {
            let position = places.range(&(hint.offset..hint.offset)).start;
            json!({"position": position, "label": hint.label, "tooltip": hint.tooltip, "paddingLeft": true})
        });
        Some(hints.collect())
    }

    pub(super) fn prepare_rename(&mut self, params: &lsp::TextDocumentPositionParams) -> Option<lsp::Range> {
        let encoding = self.client.encoding;
        let document = self.analyzed(params.text_document.uri.as_str())?;
        let places = document.places(encoding);
        Some(places.range(&document.analysis()?.renameable(places.offset(params.position))?))
    }

    pub(super) fn rename(&mut self, params: Json) -> RequestResult {
        let params: lsp::RenameParams = read(params)?;
        let lsp::TextDocumentPositionParams { text_document, position } = params.text_document_position;
        let uri = text_document.uri.as_str();
        let encoding = self.client.encoding;
        let Some(document) = self.analyzed(uri) else { return Ok(Json::Null) };
        let offset = document.places(encoding).offset(position);
        let edits = document.analysis().map(|analysis| analysis.rename(offset, &params.new_name));
        match edits {
            Some(Ok(edits)) => Ok(self.workspace_edit(uri, &edits).unwrap_or_default()),
            Some(Err(why)) => Err((ErrorCode::RequestFailed, why)),
            None => Ok(Json::Null),
        }
    }

    pub(super) fn format(&mut self, params: &lsp::DocumentFormattingParams) -> Option<Vec<Json>> {
        // Somebody else may format the same files.
        if !self.workspace.settings.format {
            return None;
        }
        let encoding = self.client.encoding;
        let document = self.analyzed(params.text_document.uri.as_str())?;
        let places = document.places(encoding);
        let edits = document.analysis()?.format_edits();
        Some(edits.iter().map(|edit| json!({"range": places.range(&edit.range), "newText": edit.insert})).collect())
    }

    pub(super) fn command(&mut self, params: Json) -> RequestResult {
        let lsp::ExecuteCommandParams { command, mut arguments, .. } = read(params)?;
        let argument = arguments.first_mut().map(Json::take).unwrap_or_default();
        match &*command {
            EXPLAIN => {
                let code = argument.as_str().unwrap_or_default();
                let Ok(Explanation::Rule { code, summary, docs, .. }) = explain(code) else {
                    return Err((ErrorCode::InvalidParams, format!("unknown rule `{code}`")));
                };
                let text = format!("{code}: {summary}\n\n{docs}");
                self.notify("window/showMessage", json!({"type": 3, "message": text}));
                Ok(text.into())
            }
            RENDER => Ok(self.render(&argument).unwrap_or_default()),
            _ => Err((ErrorCode::InvalidParams, format!("unknown command `{command}`"))),
        }
    }

    /// The request of a step: `{uri, step?}` gives `{body, steps, isCurrent, members}`.
    fn render(&mut self, argument: &Json) -> Option<Json> {
        let uri = argument["uri"].as_str().unwrap_or_default().to_owned();
        let analysis = self.analyzed(&uri)?.analysis()?;
        let steps = analysis.step_names();
        let step = argument["step"].as_str().or_else(|| steps.first().map(String::as_str));
        let Some(rendered) = analysis.render(step) else { return Some(json!({"body": null, "steps": steps})) };
        let members = rendered.map.members.iter().map(|member| {
            let target = member.place.clone().filter(|_| rendered.is_current).map(Target::from);
            let location = target.and_then(|target| self.location(&uri, &target));
            json!({"member": member.member, "setting": member.setting, "source": member.source, "location": location})
        });
        let members: Vec<_> = members.collect();
        Some(json!({"body": rendered.body, "steps": steps, "isCurrent": rendered.is_current, "members": members}))
    }
}

fn read<P: serde::de::DeserializeOwned>(params: Json) -> Result<P, RequestError> {
    serde_json::from_value(params).map_err(|error| (ErrorCode::InvalidParams, error.to_string()))
}

fn symbol(found: &Symbol, places: &Places<'_>) -> Json {
    let kind = if found.has_children { lsp::SymbolKind::OBJECT } else { lsp::SymbolKind::PROPERTY };
    // Clients reject a symbol without a name.
    let name = if found.name.is_empty() { "\"\"" } else { &found.name };
    json!({
        "name": name,
        "detail": found.detail,
        "kind": kind,
        "range": places.range(&found.range),
        "selectionRange": places.range(&found.selection),
        "children": found.children.iter().map(|child| symbol(child, places)).collect::<Vec<_>>(),
    })
}
