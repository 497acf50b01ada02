//! The state of the language server, and the handlers of its messages.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types as lsp;
use runai_ide::{Encoding, Target};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::documents::{OpenDocument, OperatorPath, OperatorText};
use super::workspace::{Settings, Workspace, path_of, uri_of};
use super::{convert, transport};

/// Capabilities of the client that the server adapts to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Client {
    pub(super) encoding: Encoding,
    pub(super) snippets: bool,
    /// The client requests diagnostics, so the server does not publish them.
    pull_diagnostics: bool,
    refresh_diagnostics: bool,
    refresh_hints: bool,
    /// The client supports the request `workspace/configuration`.
    configuration: bool,
    /// The client watches files that the server registers.
    pub(super) watches: bool,
}

/// A language server for one client.
pub(super) struct Server<W> {
    output: W,
    pub(super) client: Client,
    pub(super) documents: BTreeMap<String, OpenDocument>,
    pub(super) workspace: Workspace,
    /// URIs of documents whose diagnostics are not published yet.
    unpublished: Vec<String>,
    requests: i32,
    /// Id of the pending request for the configuration.
    configuration: Option<RequestId>,
    phase: Phase,
}

/// The phase of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Uninitialized,
    Running,
    ShutDown,
}

/// The error of a request: its code and message.
pub(super) type RequestError = (ErrorCode, String);

/// The result of a request, or its error.
pub(super) type RequestResult = Result<Json, RequestError>;

impl<W: Write> Server<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            output,
            client: Client::default(),
            documents: BTreeMap::new(),
            workspace: Workspace::default(),
            unpublished: Vec::new(),
            requests: 0,
            configuration: None,
            phase: Phase::Uninitialized,
        }
    }

    /// Whether the client has sent `shutdown`.
    pub(super) fn is_shut_down(&self) -> bool {
        self.phase == Phase::ShutDown
    }

    pub(super) fn send(&mut self, message: impl Into<Message>) {
        // If the client is gone, its input stream is closed, too, which ends the session.
        let _ = transport::write(&mut self.output, &message.into());
    }

    pub(super) fn send_parse_error(&mut self, message: &str) {
        let _ = transport::write_parse_error(&mut self.output, message);
    }

    pub(super) fn notify(&mut self, method: &str, params: Json) {
        self.send(Notification { method: method.to_owned(), params });
    }

    fn ask(&mut self, method: &str, params: Json) -> RequestId {
        self.requests += 1;
        let id = RequestId::from(format!("runai-step/{}", self.requests));
        self.send(Request { id: id.clone(), method: method.to_owned(), params });
        id
    }

    /// Handles a request and sends the response.
    pub(super) fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let answer = match (self.phase, &*method) {
            (Phase::Uninitialized, "initialize") => Ok(self.initialize(&params)),
            (Phase::Uninitialized, _) => {
                Err((ErrorCode::ServerNotInitialized, format!("`{method}` before `initialize`")))
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                Ok(Json::Null)
            }
            (Phase::Running, _) => self.answer(&method, params),
            (Phase::ShutDown, _) => Err((ErrorCode::InvalidRequest, format!("`{method}` after `shutdown`"))),
        };
        self.send(match answer {
            Ok(result) => Response::new_ok(id, result),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        });
    }

    fn initialize(&mut self, params: &Json) -> Json {
        let client = &params["capabilities"];
        let flag = |pointer: &str| client.pointer(pointer).and_then(Json::as_bool).unwrap_or_default();
        let encodings = client.pointer("/general/positionEncodings").and_then(Json::as_array);
        let encodings: Vec<&str> = encodings.into_iter().flatten().filter_map(Json::as_str).collect();
        let (encoding, encoding_name) =
            [(Encoding::Utf8, "utf-8"), (Encoding::Utf16, "utf-16"), (Encoding::Utf32, "utf-32")]
                .into_iter()
                .find(|(_, name)| encodings.contains(name))
                .unwrap_or((Encoding::Utf16, "utf-16"));
        self.client = Client {
            encoding,
            snippets: flag("/textDocument/completion/completionItem/snippetSupport"),
            pull_diagnostics: client.pointer("/textDocument/diagnostic").is_some_and(Json::is_object),
            refresh_diagnostics: flag("/workspace/diagnostics/refreshSupport"),
            refresh_hints: flag("/workspace/inlayHint/refreshSupport"),
            configuration: flag("/workspace/configuration"),
            watches: flag("/workspace/didChangeWatchedFiles/dynamicRegistration"),
        };
        let folders = params["workspaceFolders"].as_array().into_iter().flatten();
        let folders: Vec<&str> = folders.filter_map(|folder| folder["uri"].as_str()).collect();
        let folders = if folders.is_empty() { params["rootUri"].as_str().into_iter().collect() } else { folders };
        self.workspace.roots = folders.into_iter().filter_map(path_of).collect();
        self.workspace.settings = Settings::of(&params["initializationOptions"]);
        self.phase = Phase::Running;
        json!({
            "capabilities": super::requests::capabilities(encoding_name),
            "serverInfo": {"name": "runai-step", "version": env!("CARGO_PKG_VERSION")},
        })
    }

    fn initialized(&mut self) {
        if self.client.watches {
            let watchers = json!([{"globPattern": "**/runai-step.{toml,yaml,yml}"}, {"globPattern": "**/*.json"}]);
            let registration = json!({
                "id": "runai-step/watch",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": {"watchers": watchers},
            });
            self.ask("client/registerCapability", json!({"registrations": [registration]}));
        }
        self.ask_for_configuration();
    }

    fn ask_for_configuration(&mut self) {
        if self.client.configuration {
            let id = self.ask("workspace/configuration", json!({"items": [{"section": "runai"}]}));
            self.configuration = Some(id);
        }
    }

    /// Handles a response of the client. Only the response with the configuration has an effect.
    pub(super) fn response(&mut self, response: Response) {
        if self.configuration.as_ref() == Some(&response.id) {
            self.configuration = None;
            if let Ok(Json::Array(sections)) = response.response_result
                && let Some(section) = sections.first().filter(|section| section.is_object())
            {
                self.configure(section);
            }
        }
    }

    fn configure(&mut self, section: &Json) {
        let settings = Settings::of(section);
        if settings != self.workspace.settings {
            self.workspace.settings = settings;
            self.invalidate_all();
        }
    }

    /// Handles a notification. Returns `false` after `exit`, which ends the session.
    pub(super) fn notification(&mut self, notification: Notification) -> bool {
        let Notification { method, params } = notification;
        if method == "exit" {
            return false;
        }
        if self.phase != Phase::Running {
            return true;
        }
        match &*method {
            "initialized" => self.initialized(),
            "textDocument/didOpen" => self.with(params, Self::open),
            "textDocument/didChange" => self.with(params, Self::change),
            "textDocument/didClose" => self.with(params, Self::close),
            "textDocument/didSave" => self.reload_changed_files(),
            "workspace/didChangeConfiguration" => {
                if let Some(section) = params.pointer("/settings/runai") {
                    self.configure(section);
                }
                self.ask_for_configuration();
            }
            "workspace/didChangeWatchedFiles" => {
                self.workspace.forget_all();
                self.invalidate_all();
            }
            "workspace/didChangeWorkspaceFolders" => self.with(params, Self::change_folders),
            _ => {}
        }
        true
    }

    fn with<P: DeserializeOwned>(&mut self, params: Json, act: impl FnOnce(&mut Self, P)) {
        if let Ok(params) = serde_json::from_value(params) {
            act(self, params);
        }
    }

    fn open(&mut self, params: lsp::DidOpenTextDocumentParams) {
        let lsp::TextDocumentItem { uri, language_id, version, text } = params.text_document;
        let uri = uri.as_str().to_owned();
        self.documents.insert(uri.clone(), OpenDocument::new(uri.clone(), &language_id, version, text));
        self.changed(&uri);
    }

    fn change(&mut self, params: lsp::DidChangeTextDocumentParams) {
        let uri = params.text_document.uri.as_str().to_owned();
        let encoding = self.client.encoding;
        if let Some(document) = self.documents.get_mut(&uri) {
            document.version = params.text_document.version;
            document.change(params.content_changes, encoding);
            self.changed(&uri);
        }
    }

    fn close(&mut self, params: lsp::DidCloseTextDocumentParams) {
        let lsp::TextDocumentIdentifier { uri } = params.text_document;
        let uri = uri.as_str().to_owned();
        if let Some(document) = self.documents.remove(&uri) {
            self.unpublished.retain(|other| *other != uri);
            if !self.client.pull_diagnostics {
                self.notify("textDocument/publishDiagnostics", json!({"uri": uri, "diagnostics": []}));
            }
            if document.is_operator() {
                self.invalidate_all();
            }
        }
    }

    fn change_folders(&mut self, params: lsp::DidChangeWorkspaceFoldersParams) {
        let paths = |folders: Vec<lsp::WorkspaceFolder>| -> Vec<PathBuf> {
            folders.iter().filter_map(|folder| path_of(folder.uri.as_str())).collect()
        };
        let (added, removed) = (paths(params.event.added), paths(params.event.removed));
        self.workspace.roots.retain(|root| !removed.contains(root));
        self.workspace.roots.extend(added);
        self.invalidate_all();
    }

    /// Marks a changed document for publishing, and the documents that use it as their operator file.
    fn changed(&mut self, uri: &str) {
        let path = self.documents.get(uri).and_then(|document| document.path.clone());
        let depends = |other: &&OpenDocument| match (&other.operator, &path) {
            (OperatorPath::Found(operator), Some(path)) => operator == path,
            _ => false,
        };
        let dependents = self.documents.values().filter(depends);
        let mut uris: Vec<String> = dependents.map(|other| other.uri.clone()).collect();
        uris.push(uri.to_owned());
        for uri in uris {
            if !self.unpublished.contains(&uri) {
                self.unpublished.push(uri);
            }
        }
    }

    /// Invalidates every analysis if a file has changed on disk.
    pub(super) fn reload_changed_files(&mut self) {
        if self.workspace.forget_changed() {
            self.invalidate_all();
        }
    }

    /// Invalidates every analysis after a change of files or settings, and asks the client to refresh.
    pub(super) fn invalidate_all(&mut self) {
        for document in self.documents.values_mut() {
            document.operator = OperatorPath::Unknown;
        }
        self.unpublished = self.documents.keys().cloned().collect();
        if self.client.pull_diagnostics && self.client.refresh_diagnostics {
            self.ask("workspace/diagnostic/refresh", Json::Null);
        }
        if self.client.refresh_hints {
            self.ask("workspace/inlayHint/refresh", Json::Null);
        }
    }

    /// Returns the document of a URI with an analysis of its current text.
    ///
    /// Returns `None` if the document is not open, or is not a file for `runai-step`.
    pub(super) fn analyzed(&mut self, uri: &str) -> Option<&OpenDocument> {
        let document = self.documents.get(uri).filter(|document| document.is_ours())?;
        let operator = match &document.operator {
            OperatorPath::Unknown if !document.is_operator() => {
                let path = self.workspace.operator_path(document.path.as_deref());
                path.filter(|path| Some(path) != document.path.as_ref()).map_or(OperatorPath::None, OperatorPath::Found)
            }
            OperatorPath::Unknown => OperatorPath::None,
            known => known.clone(),
        };
        let text = match &operator {
            OperatorPath::Found(path) => self.operator_text(path, uri),
            _ => None,
        };
        let facts = self.workspace.facts();
        let document = self.documents.get_mut(uri)?;
        document.operator = operator;
        document.analyze(text.as_ref(), facts);
        Some(document)
    }

    /// Returns the text of an operator file: the client's if the file is open there, otherwise the one on disk.
    fn operator_text(&mut self, path: &Path, document: &str) -> Option<OperatorText> {
        let open = self.documents.values().find(|open| open.path.as_deref() == Some(path) && open.uri != document);
        let open = open.map(|open| open.text().to_owned());
        let text = open.or_else(|| self.workspace.text(path))?;
        Some(OperatorText { name: path.display().to_string(), text })
    }

    /// Publishes the diagnostics of changed documents, unless the client requests diagnostics.
    pub(super) fn publish(&mut self) {
        for uri in std::mem::take(&mut self.unpublished) {
            if self.client.pull_diagnostics {
                continue;
            }
            let Some(version) = self.documents.get(&uri).map(|document| document.version) else { continue };
            let diagnostics = self.diagnostics(&uri);
            let params = json!({"uri": uri, "version": version, "diagnostics": diagnostics});
            self.notify("textDocument/publishDiagnostics", params);
        }
    }

    /// Returns the diagnostics of a document; none if it is not open.
    pub(super) fn diagnostics(&mut self, uri: &str) -> Vec<lsp::Diagnostic> {
        let encoding = self.client.encoding;
        let Some(problems) =
            self.analyzed(uri).and_then(OpenDocument::analysis).map(runai_ide::EditorDocument::diagnostics)
        else {
            return Vec::new();
        };
        let Some(document) = self.documents.get(uri) else { return Vec::new() };
        let places = document.places(encoding);
        problems.iter().map(|problem| places.diagnostic(problem, |target| self.location(uri, target))).collect()
    }

    /// Converts a target of the analysis of `uri`: a range in that document or in its operator file.
    pub(super) fn location(&self, uri: &str, target: &Target) -> Option<lsp::Location> {
        let encoding = self.client.encoding;
        let document = self.documents.get(uri)?;
        if target.name == document.name {
            return Some(lsp::Location {
                uri: convert::uri(uri)?,
                range: document.places(encoding).range(&target.range),
            });
        }
        let operator = document.analysis()?.document().operator().filter(|operator| operator.name == target.name)?;
        let lines = runai_ide::LineIndex::new(operator.text);
        let places = convert::Places { text: operator.text, lines: &lines, encoding };
        let uri = convert::uri(&uri_of(Path::new(operator.name))?)?;
        Some(lsp::Location { uri, range: places.range(&target.range) })
    }
}
