//! Requests about documents.

use std::io::Write;

use lsp_server::ErrorCode;
use lsp_types as lsp;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::features::{EXPLAIN, RENDER};
use super::server::{RequestResult, Server};

/// What the server offers.
pub(super) fn capabilities(encoding: &str) -> Json {
    json!({
        "positionEncoding": encoding,
        "textDocumentSync": {"openClose": true, "change": 2, "save": true},
        "completionProvider": {"triggerCharacters": [":", " ", "-", "\"", "[", "{", "."]},
        "hoverProvider": true,
        "codeActionProvider": {"codeActionKinds": ["quickfix", "refactor.rewrite"]},
        "definitionProvider": true,
        "documentFormattingProvider": true,
        "documentLinkProvider": {"resolveProvider": false},
        "documentSymbolProvider": true,
        "executeCommandProvider": {"commands": [EXPLAIN, RENDER]},
        "foldingRangeProvider": true,
        "inlayHintProvider": true,
        "renameProvider": {"prepareProvider": true},
        "diagnosticProvider": {
            "identifier": "runai-step", "interFileDependencies": true, "workspaceDiagnostics": false,
        },
        "workspace": {"workspaceFolders": {"supported": true, "changeNotifications": true}},
    })
}

impl<W: Write> Server<W> {
    /// Answers a request about documents.
    pub(super) fn answer(&mut self, method: &str, params: Json) -> RequestResult {
        match method {
            "textDocument/codeAction" => self.reply(params, Self::actions),
            "textDocument/completion" => self.reply(params, Self::completion),
            "textDocument/definition" => self.reply(params, Self::definition),
            "textDocument/diagnostic" => self.reply(params, Self::pull),
            "textDocument/documentLink" => self.reply(params, Self::links),
            "textDocument/documentSymbol" => self.reply(params, Self::symbols),
            "textDocument/foldingRange" => self.reply(params, Self::folding),
            "textDocument/formatting" => self.reply(params, Self::format),
            "textDocument/hover" => self.reply(params, Self::hover),
            "textDocument/inlayHint" => self.reply(params, Self::hints),
            "textDocument/prepareRename" => self.reply(params, Self::prepare_rename),
            "textDocument/rename" => self.rename(params),
            "workspace/executeCommand" => self.command(params),
            _ => Err((ErrorCode::MethodNotFound, format!("unknown method `{method}`"))),
        }
    }

    /// Reads the parameters; `null` is the answer where there is nothing to say.
    fn reply<P, R>(&mut self, params: Json, act: impl FnOnce(&mut Self, &P) -> Option<R>) -> RequestResult
    where
        P: DeserializeOwned,
        R: serde::Serialize,
    {
        let params: P =
            serde_json::from_value(params).map_err(|error| (ErrorCode::InvalidParams, error.to_string()))?;
        serde_json::to_value(act(self, &params)).map_err(|error| (ErrorCode::InternalError, error.to_string()))
    }

    fn completion(&mut self, params: &lsp::CompletionParams) -> Option<lsp::CompletionList> {
        let lsp::TextDocumentPositionParams { text_document, position } = &params.text_document_position;
        let client = self.client;
        let document = self.analyzed(text_document.uri.as_str())?;
        let places = document.places(client.encoding);
        let found = document.analysis()?.completions(places.offset(*position));
        let items =
            found.iter().enumerate().map(|(index, found)| places.completion(index, found, client.snippets)).collect();
        Some(lsp::CompletionList { is_incomplete: false, items })
    }

    fn hover(&mut self, params: &lsp::HoverParams) -> Option<lsp::Hover> {
        let lsp::TextDocumentPositionParams { text_document, position } = &params.text_document_position_params;
        let encoding = self.client.encoding;
        let document = self.analyzed(text_document.uri.as_str())?;
        let places = document.places(encoding);
        Some(places.hover(document.analysis()?.hover(places.offset(*position))?))
    }

    fn pull(&mut self, params: &lsp::DocumentDiagnosticParams) -> Option<Json> {
        let lsp::TextDocumentIdentifier { uri } = &params.text_document;
        let items = self.diagnostics(uri.as_str());
        self.documents.contains_key(uri.as_str()).then(|| json!({"kind": "full", "items": items}))
    }
}
