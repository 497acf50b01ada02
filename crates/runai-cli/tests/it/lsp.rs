//! The language server as an editor sees it: a scripted client over stdin and stdout.
#![expect(clippy::needless_pass_by_value, reason = "messages are written where they are sent")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value as Json, json};

use crate::Scratch;

/// A client of one server.
struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    requests: i64,
    /// Messages that came while another one was waited for.
    seen: Vec<Json>,
    /// The settings of the workspace below `runai.…`.
    section: Json,
}

impl Client {
    /// A server that has not heard anything.
    fn spawn(scratch: &Scratch) -> Self {
        let mut child = scratch
            .command(&["lsp"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output, requests: 0, seen: Vec::new(), section: Json::Null }
    }

    /// A server that is initialized with these capabilities.
    fn start(scratch: &Scratch, capabilities: &Json) -> Self {
        Self::start_with(scratch, capabilities, Json::Null)
    }

    fn start_with(scratch: &Scratch, capabilities: &Json, section: Json) -> Self {
        let mut client = Self::spawn(scratch);
        client.section = section;
        let folders = json!([{"uri": uri(scratch.path()), "name": "root"}]);
        let params = json!({"processId": null, "capabilities": capabilities, "workspaceFolders": folders});
        let answer = client.request("initialize", params);
        assert_eq!(answer["serverInfo"]["name"], "runai-step");
        client.notify("initialized", json!({}));
        client
    }

    fn write(&mut self, message: &Json) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn read(&mut self) -> Option<Json> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.trim().strip_prefix("Content-Length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut content = vec![0; length];
        self.output.read_exact(&mut content).unwrap();
        let message: Json = serde_json::from_slice(&content).unwrap();
        if message["method"] == "workspace/configuration" {
            let section = self.section.clone();
            self.write(&json!({"jsonrpc": "2.0", "id": message["id"], "result": [section]}));
        } else if message.get("method").is_some() && message.get("id").is_some() {
            self.write(&json!({"jsonrpc": "2.0", "id": message["id"], "result": null}));
        }
        Some(message)
    }

    fn send(&mut self, method: &str, params: Json) -> i64 {
        self.requests += 1;
        self.write(&json!({"jsonrpc": "2.0", "id": self.requests, "method": method, "params": params}));
        self.requests
    }

    fn notify(&mut self, method: &str, params: Json) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn answer(&mut self, id: i64) -> Json {
        loop {
            let message = self.read().unwrap();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.seen.push(message);
        }
    }

    /// The result of a request.
    fn request(&mut self, method: &str, params: Json) -> Json {
        let id = self.send(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The next diagnostics of a document.
    fn published(&mut self, uri: &str) -> Vec<Json> {
        let is_it =
            |message: &Json| message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri;
        loop {
            let message = match self.seen.iter().position(is_it) {
                Some(index) => self.seen.remove(index),
                None => self.read().unwrap(),
            };
            if is_it(&message) {
                return message["params"]["diagnostics"].as_array().unwrap().clone();
            }
            self.seen.push(message);
        }
    }

    fn open(&mut self, uri: &str, language: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    fn change(&mut self, uri: &str, version: i32, changes: Json) {
        let document = json!({"uri": uri, "version": version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    /// Ends the session, and returns the exit code.
    fn end(mut self) -> Option<i32> {
        assert_eq!(self.request("shutdown", Json::Null), Json::Null);
        self.notify("exit", Json::Null);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn at(uri: &str, line: u32, character: u32) -> Json {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

fn codes(diagnostics: &[Json]) -> Vec<&str> {
    diagnostics.iter().map(|found| found["code"].as_str().unwrap()).collect()
}

const STEP: &str = "image: python:3.12\ncommand: [python, train.py]\nsettings:\n  gpu_portion: 0.5\n";

#[test]
fn diagnostics_follow_edits() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({}));
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    client.open(&uri, "yaml", STEP);
    let found = client.published(&uri);
    assert_eq!(codes(&found), ["unknown-key"]);
    assert_eq!(found[0]["range"], json!({"start": {"line": 3, "character": 2}, "end": {"line": 3, "character": 13}}));
    assert!(found[0]["codeDescription"]["href"].as_str().unwrap().ends_with("docs/rules.md#unknown-key"));
    let range = json!({"start": {"line": 3, "character": 13}, "end": {"line": 3, "character": 13}});
    client.change(&uri, 2, json!([{"range": range, "text": "_request"}]));
    assert!(client.published(&uri).is_empty());
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    assert!(client.published(&uri).is_empty());
    assert_eq!(client.end(), Some(0));
}

#[test]
fn pull_client_gets_no_push() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({"textDocument": {"diagnostic": {}}}));
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    client.open(&uri, "yaml", STEP);
    let report = client.request("textDocument/diagnostic", json!({"textDocument": {"uri": uri}}));
    assert_eq!((&report["kind"], &report["items"][0]["code"]), (&json!("full"), &json!("unknown-key")));
    assert!(client.seen.iter().all(|message| message["method"] != "textDocument/publishDiagnostics"));
}

#[test]
fn completes_invalid_text() {
    let scratch = Scratch::new();
    let snippets = json!({"textDocument": {"completion": {"completionItem": {"snippetSupport": true}}}});
    let mut client = Client::start(&scratch, &snippets);
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    client.open(&uri, "yaml", &format!("{STEP}  gpu_request_type\n"));
    let items = client.request("textDocument/completion", at(&uri, 4, 18))["items"].clone();
    let labels: Vec<_> = items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect();
    assert!(labels.contains(&"gpu_request_type") && !labels.contains(&"image"), "{labels:?}");
    let hover = client.request("textDocument/hover", at(&uri, 0, 2));
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("**`image`**"), "{hover}");
}

#[test]
fn positions_use_agreed_encoding() {
    for (offered, agreed, character) in [
        (&["utf-8", "utf-16"][..], "utf-8", 18),
        (&["utf-16"], "utf-16", 16),
        (&["utf-32"], "utf-32", 15),
        (&[], "utf-16", 16),
    ] {
        let scratch = Scratch::new();
        let mut client = Client::spawn(&scratch);
        let capabilities = json!({"general": {"positionEncodings": offered}});
        let answer = client.request("initialize", json!({"capabilities": capabilities}));
        assert_eq!(answer["capabilities"]["positionEncoding"], agreed);
        client.notify("initialized", json!({}));
        client.open("untitled:1", "yaml", "{name: \"🚀\", gpu_portion: 1}\n");
        let found = client.published("untitled:1");
        let last = found.last().unwrap();
        assert_eq!(last["range"]["start"]["character"], character - 3, "{agreed}: {found:?}");
    }
}

#[test]
fn reads_operator_file_and_buffer() {
    let scratch = Scratch::new();
    scratch.write("runai-step.toml", "gpu_devices_request = 2\n");
    let mut client = Client::start(&scratch, &json!({}));
    let step = uri(&scratch.path().join("a.runai.yaml"));
    client.open(&step, "yaml", "image: x\ncommand: [a]\nsettings:\n  labels: {a: b}\n");
    assert!(client.published(&step).is_empty());
    // A portion of several devices is worth a warning, wherever the two come from.
    let operator = uri(&scratch.path().join("runai-step.toml"));
    client.open(&operator, "toml", "gpu_devices_request = \"two\"\n");
    assert_eq!(codes(&client.published(&operator)), ["wrong-type"]);
    assert_eq!(codes(&client.published(&step)), ["operator-file"]);
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": operator}}));
    assert!(client.published(&step).is_empty());
    scratch.write("runai-step.toml", "gpu_devices_request = 'three'\n");
    // The client does not watch files, so the server looks.
    assert_eq!(codes(&client.published(&step)), ["operator-file"]);
}

#[test]
fn configuration_selects_files() {
    let scratch = Scratch::new();
    scratch.write("conf/op.yaml", "gpu_devices_request: two\n");
    scratch.write("facts.json", r#"{"node_pools": [{"name": "a100"}]}"#);
    let section = json!({"config": "conf/op.yaml", "factsFile": "facts.json"});
    let mut client = Client::start_with(&scratch, &json!({"workspace": {"configuration": true}}), section);
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    let text = "image: x\ncommand: [a]\nsettings:\n  node_pools: []\n";
    client.open(&uri, "yaml", text);
    // The configuration may come before or after the first diagnostics.
    while codes(&client.published(&uri)) != ["operator-file"] {}
    let items = client.request("textDocument/completion", at(&uri, 3, 15))["items"].clone();
    assert_eq!(items[0]["label"], "a100", "{items}");
}

#[test]
fn ignores_other_documents() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({}));
    for (name, text, is_ours) in [
        ("compose.yaml", "services: {a: {image: x}}\n", false),
        ("run.yaml", "settings: {step_operator.runai: {gpu_portion: 1}}\n", true),
        ("x.runai.json", "{\"gpu_portion\": 1}", true),
    ] {
        let uri = uri(&scratch.path().join(name));
        client.open(&uri, "yaml", text);
        assert_eq!(!client.published(&uri).is_empty(), is_ours, "{name}");
    }
}

#[test]
fn answers_cancelled_request() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({}));
    // A large text keeps the server busy until both messages are there.
    let line = "    # ".to_owned() + &"x".repeat(60) + "\n";
    client.open("untitled:1", "yaml", &format!("settings:\n{}", line.repeat(20_000)));
    let first = client.send("textDocument/hover", at("untitled:1", 1, 1));
    let second = client.send("textDocument/hover", at("untitled:1", 1, 1));
    client.notify("$/cancelRequest", json!({"id": second}));
    assert!(client.answer(first).get("error").is_none());
    let answer = client.answer(second);
    assert!(answer.get("error").is_none() || answer["error"]["code"] == -32800, "{answer}");
}

#[test]
fn survives_invalid_messages() {
    let scratch = Scratch::new();
    let mut client = Client::spawn(&scratch);
    let id = client.send("textDocument/hover", at("untitled:1", 0, 0));
    assert_eq!(client.answer(id)["error"]["code"], -32002);
    client.input.write_all(b"nonsense\r\n\r\nContent-Length: 3\r\n\r\n{x}").unwrap();
    client.input.flush().unwrap();
    assert_eq!(client.read().unwrap()["error"]["code"], -32700);
    client.request("initialize", json!({"capabilities": 7, "workspaceFolders": "x", "rootUri": []}));
    client.notify("initialized", json!(null));
    client.notify("textDocument/didOpen", json!({"textDocument": 1}));
    client.notify("textDocument/didChange", json!({}));
    client.notify("no/such", json!([1]));
    client.open("untitled:1", "yaml", "settings: {a: é}\n");
    let far = json!({"start": {"line": 4_000_000_000_u32, "character": 1}, "end": {"line": 0, "character": 0}});
    client.change("untitled:1", 2, json!([{"range": far, "text": "b: 🚀\n"}]));
    for (method, params, code) in [
        ("textDocument/hover", at("untitled:1", 4_000_000_000, 4_000_000_000), None),
        ("textDocument/hover", at("untitled:other", 0, 0), None),
        ("textDocument/hover", json!({"textDocument": {"uri": "untitled:1"}, "position": {"line": -1}}), Some(-32602)),
        ("textDocument/completion", json!([]), Some(-32602)),
        ("no/such", Json::Null, Some(-32601)),
        ("initialize", json!({"capabilities": {}}), Some(-32601)),
    ] {
        let id = client.send(method, params);
        assert_eq!(client.answer(id)["error"]["code"].as_i64(), code, "{method}");
    }
    assert_eq!(client.end(), Some(0));
}

#[test]
fn missing_exit_ends_with_1() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({}));
    client.notify("exit", Json::Null);
    assert_eq!(client.child.wait().unwrap().code(), Some(1));
}

#[test]
fn hides_secrets() {
    let scratch = Scratch::new();
    scratch.write("runai-step.yaml", "client_secret: canary\nrunai_base_url: https://a:canary@example.com\n");
    let mut client = Client::start(&scratch, &json!({}));
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    let text = "image: x\ncommand: [a, https://u:canary@host]\nenvironment:\n  HF_TOKEN: canary\n";
    client.open(&uri, "yaml", text);
    let published = client.published(&uri);
    assert!(!json!(published).to_string().contains("canary"), "{published:?}");
    for (line, content) in text.lines().enumerate() {
        for character in 0..content.len() {
            for method in ["textDocument/hover", "textDocument/completion"] {
                let position = at(&uri, u32::try_from(line).unwrap(), u32::try_from(character).unwrap());
                let answer = client.request(method, position).to_string();
                assert!(!answer.contains("canary"), "{method}: {answer}");
            }
        }
    }
}

/// The text after the edits of a workspace edit for `uri`.
fn edited(text: &str, edit: &Json, uri: &str) -> String {
    let offset = |position: &Json| {
        let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        start + usize::try_from(position["character"].as_u64().unwrap()).unwrap()
    };
    let mut changed = text.to_owned();
    for edit in edit["changes"][uri].as_array().into_iter().flatten().rev() {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        changed.replace_range(range, edit["newText"].as_str().unwrap());
    }
    changed
}

#[test]
fn applies_code_actions() {
    let scratch = Scratch::new();
    scratch.write("runai-step.yaml", "project_name: p\n");
    let mut client = Client::start(&scratch, &json!({}));
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    let text = "image: x\ncommand: [a]\nsettings:\n  gpu_portion: 0.5\n  labels: {a: b}\n";
    client.open(&uri, "yaml", text);
    let diagnostics = client.published(&uri);
    let ask = |client: &mut Client, line: u32, only: &[&str]| {
        let here = json!({"line": line, "character": 4});
        let context = if only.is_empty() {
            json!({"diagnostics": diagnostics})
        } else {
            json!({"diagnostics": diagnostics, "only": only})
        };
        let params = json!({"textDocument": {"uri": uri}, "range": {"start": here, "end": here}, "context": context});
        client.request("textDocument/codeAction", params).as_array().unwrap().clone()
    };
    let actions = ask(&mut client, 3, &[]);
    assert_eq!(actions[0]["title"], "Rename `gpu_portion` to `gpu_portion_request`");
    assert_eq!(actions[0]["diagnostics"][0]["code"], "unknown-key");
    let fixed = edited(text, &actions[0]["edit"], &uri);
    assert!(fixed.contains("  gpu_portion_request: 0.5\n"), "{fixed}");
    let command = &actions.last().unwrap()["command"];
    let shown = client
        .request("workspace/executeCommand", json!({"command": command["command"], "arguments": command["arguments"]}));
    assert!(shown.as_str().unwrap().starts_with("unknown-key: "), "{shown}");

    let actions = ask(&mut client, 4, &["refactor"]);
    assert_eq!(actions[0]["title"], "Move `labels` to the operator file");
    let operator = format!("file://{}", scratch.path().join("runai-step.yaml").display());
    assert_eq!(edited("project_name: p\n", &actions[0]["edit"], &operator), "project_name: p\nlabels:\n  a: b\n");
    assert!(ask(&mut client, 4, &["source"]).is_empty());
}

#[test]
fn structure_hints_and_links() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({}));
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    let text = "$schema: https://example.com/s.json\nimage: x\ncommand: [a]\nsettings:\n  cpu_memory_request: 4Gi\n";
    client.open(&uri, "yaml", text);
    let document = json!({"textDocument": {"uri": uri}});
    let symbols = client.request("textDocument/documentSymbol", document.clone());
    assert_eq!(symbols[3]["children"][0]["detail"], "4Gi", "{symbols}");
    let folding = client.request("textDocument/foldingRange", document.clone());
    assert_eq!(folding, json!([{"startLine": 3, "endLine": 4}]));
    let links = client.request("textDocument/documentLink", document);
    assert_eq!(links[0]["target"], "https://example.com/s.json");
    let all = json!({"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}});
    let hints = client.request("textDocument/inlayHint", json!({"textDocument": {"uri": uri}, "range": all}));
    let labels: Vec<_> = hints.as_array().unwrap().iter().map(|hint| hint["label"].as_str().unwrap()).collect();
    assert!(labels[0].starts_with("defaults: cpu_core_request: 1.0") && labels[1] == "= 4.29 GB", "{labels:?}");
}

#[test]
fn finds_definitions() {
    let scratch = Scratch::new();
    scratch.write("runai-step.yaml", "# defaults\nlabels: {a: c}\n");
    let mut client = Client::start(&scratch, &json!({}));
    let step = uri(&scratch.path().join("a.runai.yaml"));
    let operator = uri(&scratch.path().join("runai-step.yaml"));
    client.open(&step, "yaml", "image: x\ncommand: [a]\nsettings:\n  labels: {a: b}\n");
    client.published(&step);
    let found = client.request("textDocument/definition", at(&step, 3, 4));
    assert_eq!((&found[0]["uri"], &found[0]["range"]["start"]["line"]), (&json!(operator), &json!(1)));
    client.open(&operator, "yaml", "# defaults\nlabels: {a: c}\n");
    let found = client.request("textDocument/definition", at(&operator, 1, 2));
    assert_eq!((&found[0]["uri"], &found[0]["range"]["start"]["line"]), (&json!(step), &json!(3)));
}

#[test]
fn renames_anchors_and_formats() {
    let scratch = Scratch::new();
    let text = "labels: &all {a: b}\nannotations:   *all\n";
    for format in [false, true] {
        let mut client =
            Client::start_with(&scratch, &json!({"workspace": {"configuration": true}}), json!({"format": format}));
        client.open("untitled:a", "yaml", text);
        client.published("untitled:a");
        let prepared = client.request("textDocument/prepareRename", at("untitled:a", 0, 10));
        assert_eq!(prepared["start"]["character"], 9);
        let mut params = at("untitled:a", 1, 17);
        params["newName"] = "shared".into();
        let edit = client.request("textDocument/rename", params.clone());
        assert_eq!(edited(text, &edit, "untitled:a"), "labels: &shared {a: b}\nannotations:   *shared\n");
        params["newName"] = "a b".into();
        let id = client.send("textDocument/rename", params);
        assert_eq!(client.answer(id)["error"]["code"], -32803);
        let options = json!({"textDocument": {"uri": "untitled:a"}, "options": {"tabSize": 2, "insertSpaces": true}});
        let edits = client.request("textDocument/formatting", options);
        assert_eq!(edits.as_array().map(Vec::len), format.then_some(1), "{edits}");
    }
}

#[test]
fn render_hides_secrets() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({}));
    let uri = uri(&scratch.path().join("a.runai.yaml"));
    client.open(&uri, "yaml", "image: x\ncommand: [a]\nenvironment: {HF_TOKEN: canary}\n");
    let params = json!({"command": "runai-step.render", "arguments": [{"uri": uri}]});
    let rendered = client.request("workspace/executeCommand", params);
    assert!(!rendered.to_string().contains("canary"), "{rendered}");
    let body: Json = serde_json::from_str(rendered["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["spec"]["image"], &rendered["isCurrent"]), (&json!("x"), &json!(true)));
    let members = rendered["members"].as_array().unwrap();
    let image = members.iter().find(|member| member["member"] == "/spec/image").unwrap();
    assert_eq!(image["location"]["range"]["start"], json!({"line": 0, "character": 7}));
}

#[test]
fn every_method_survives_every_position() {
    let scratch = Scratch::new();
    let mut client = Client::start(&scratch, &json!({}));
    let text = "image: é🚀\nsettings: {a: &x [\n  labels:\n\t- *x\n";
    client.open("untitled:a", "yaml", text);
    client.open("untitled:b", "toml", "[settings\na = [1\n\"é = ");
    client.open("untitled:c", "json", "{\"settings\": {\"é\": [");
    for uri in ["untitled:a", "untitled:b", "untitled:c"] {
        for (line, character) in [(0, 0), (0, 7), (0, 8), (1, 15), (1, 18), (2, 9), (3, 4), (9, 9)] {
            let position = json!({"line": line, "character": character});
            let params = json!({
                "textDocument": {"uri": uri},
                "position": position,
                "range": {"start": position, "end": position},
                "context": {"diagnostics": [], "triggerKind": 1},
                "newName": "y",
                "options": {"tabSize": 2, "insertSpaces": true},
            });
            for method in METHODS {
                let id = client.send(&format!("textDocument/{method}"), params.clone());
                let answer = client.answer(id);
                assert!(answer["error"].is_null() || answer["error"]["code"] == -32803, "{method}: {answer}");
            }
        }
    }
    assert_eq!(client.end(), Some(0));
}

const METHODS: [&str; 12] = [
    "codeAction",
    "completion",
    "definition",
    "diagnostic",
    "documentLink",
    "documentSymbol",
    "foldingRange",
    "formatting",
    "hover",
    "inlayHint",
    "prepareRename",
    "rename",
];
