//! Special, invisible and lookalike characters.

use runai_spec::{Context, Kind, Resolver, Source};
use runai_syntax::{Format, convert};
use serde_json::Value;

use crate::{lines, resolve};

/// Returns the codes and helps of the diagnostics.
fn helps(text: &str) -> Vec<(&'static str, String)> {
    let report = resolve(text).report();
    report.diagnostics.into_iter().map(|found| (found.code, found.help.unwrap_or_default())).collect()
}

#[test]
fn accepts_tab_after_colon() {
    let text = "image:\ta/b\ncommand:\t[x, \"a:\tb\"]\nenvironment:\n  A:\tb\n  B: \tc\n  C:\t-x\n  D:\t|\n    k:\tv\n";
    let resolution = resolve(text);
    assert!(resolution.report().ok, "{}", lines(&resolution.report()));
    let step = resolution.step().unwrap();
    assert_eq!((step.image(), step.command().unwrap()[1].as_str()), (Some("a/b"), "a:\tb"));
    let variables: Vec<_> = step.environment().iter().collect();
    assert_eq!(variables, [("A", "b"), ("B", "c"), ("C", "-x"), ("D", "k:\tv\n")]);
    assert!(!resolve("image: a/b\n\tcommand: [x]\n").report().ok);
    // PyYAML rejects it.
    assert!(!resolve("run_name:\tx\nsteps: {}\n").report().ok);
}

#[test]
fn rejects_characters_that_pyyaml_rejects() {
    for c in ['\u{7f}', '\u{80}', '\u{9f}', '\u{fffe}'] {
        assert!(!resolve(&format!("run_name: a{c}b\nsteps: {{}}\n")).report().ok, "{c:?}");
        let own = format!("image: a/b\ncommand: [x]\nenvironment: {{A: a{c}b}}\n");
        assert!(resolve(&own).report().ok, "{c:?}");
    }
    assert!(resolve("run_name: aé\u{a0}🚀\nsteps: {}\n").report().ok);
}

#[test]
fn edits_texts_with_tabs() {
    let text = "image:\ta/b\ncommand: [x]\n";
    let edits = runai_syntax::edit(text, Format::Yaml, "/image", Some(&Value::from("c/d"))).unwrap();
    assert_eq!(edits.len(), 1);
    assert_eq!((edits[0].insert.as_str(), &text[edits[0].from..edits[0].to]), ("c/d", "a/b"));
}

#[test]
fn helps_name_unusual_characters() {
    for (text, code, help) in [
        (
            "image: a/b\ncommand: [python, train.py, --glob, *.csv]\n",
            "syntax",
            "quote a string that starts with `*`: `\"*.csv\"`",
        ),
        ("image: {{ image }}\ncommand: [x]\n", "syntax", "render the template first, or quote it: `\"{{ image }}\"`"),
        ("image: a/b\ncommand: [x]\nenvironment:\n  A: 'it's'\n", "syntax", "use double quotes: `\"it's\"`"),
        (
            "image: a/b\ncommand: [x]\nsettings:\n  gpu_portion_request:0.5\n  cpu_memory_request: 8Gi\n",
            "syntax",
            "write `gpu_portion_request: 0.5`",
        ),
        (
            "image: a/b\ncommand: [x]\nsettings:\n  gpu_portion_request:0.5\n",
            "wrong-type",
            "add a space after the `:`: `gpu_portion_request: 0.5`",
        ),
        (
            "gpu_devices\u{200b}_request: 1\n",
            "unknown-key",
            "remove a zero-width space (U+200B): `gpu_devices_request`",
        ),
        (
            "\u{a0}gpu_devices_request: 1\n",
            "unknown-key",
            "write a space instead of a no-break space (U+00A0): `gpu_devices_request`",
        ),
        ("cpu_memory_request: 8\u{a0}Gi\n", "invalid-quantity", "write a space instead of a no-break space (U+00A0)"),
        (
            "gpu_devices_request: \u{201c}1\u{201d}\n",
            "wrong-type",
            "write `\"` instead of a typographic quote (U+201C)",
        ),
        (
            "gpu_request_type: \u{201c}portion\u{201d}\n",
            "unknown-value",
            "write `\"` instead of a typographic quote (U+201C): `portion`",
        ),
        (
            "image: a/b\ncommand: [x, \u{2013}epochs]\n",
            "unusual-character",
            "write `-` or `--` instead of a typographic dash (U+2013)",
        ),
    ] {
        assert_eq!(helps(text), [(code, help.to_owned())], "{text}");
    }
}

/// Checks for every Unicode character that the rendered body parses and contains it.
#[test]
fn renders_every_character() {
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    for characters in all.chunks(4096) {
        let text: String = characters.iter().collect();
        let document = serde_json::json!({
            "image": "a/b",
            "command": ["x", text],
            "environment": {"A": text},
            "settings": {"annotations": {"a": text}, "working_dir": text},
        });
        let json = document.to_string();
        let source = Source { name: "step.json", text: &json, format: Format::Json };
        let resolution = Resolver::new(source).kind(Kind::Step).resolve();
        let step = resolution.step().unwrap_or_else(|| panic!("{}", lines(&resolution.report())));
        let context = Context { name: Some("fit".to_owned()), ..Context::default() };
        let body = step.body(&context);
        let shown: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(step.submission(&context).request().body_text(), Some(&*body));
        let yaml = convert(&body, Format::Json, Format::Yaml).unwrap();
        let again: Value = serde_json::from_str(&convert(&yaml, Format::Yaml, Format::Json).unwrap()).unwrap();
        assert!(again == shown, "{:?}", characters[0]);
        assert_eq!(shown["spec"]["environmentVariables"][0]["value"], text.as_str());
        assert_eq!(shown["spec"]["workingDir"], text.as_str());
    }
}

#[test]
fn explains_no_break_spaces_and_dotted_names() {
    let text = "image: a/b\ncommand: [x]\nsettings:\n\u{a0}\u{a0}gpu_portion_request: 0.5\n";
    let help = "write a space instead of a no-break space (U+00A0)";
    assert_eq!(helps(text), [("unknown-key", help.to_owned())]);
    let text = "config_map_mounts: [{config_map: app.config, mount_path: /d}]\n";
    let help = "rename the object; the official SDK and ZenML reject names with dots";
    assert_eq!(helps(text), [("invalid-name", help.to_owned())]);
}
