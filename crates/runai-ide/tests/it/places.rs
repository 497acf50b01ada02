//! Definitions, renames, links, and layout.

use runai_ide::LinkTarget;
use runai_spec::Source;
use runai_syntax::Format;

use crate::actions::applied;
use crate::{document, marked};

#[test]
fn alias_leads_to_anchor() {
    let (document, cursor) = marked("a.yaml", "labels: &all {team: ml}\nannotations: *‸all\n");
    let found = document.definition(cursor);
    assert_eq!((found.len(), &document.text()[found[0].range.clone()], found[0].range.start), (1, "all", 9));
}

#[test]
fn setting_leads_to_operator_file() {
    let (document, cursor) = marked("a.runai.yaml", "image: x\ncommand: [a]\nsettings:\n  labels: {te‸am: ml}\n");
    let operator = "gpu_devices_request = 1\n\n[labels]\nteam = \"x\"\n";
    let source = Source { name: "runai-step.toml", text: operator, format: Format::Toml };
    let document = document.with_operator(Some(source));
    let found = document.definition(cursor);
    assert_eq!((found[0].name.as_str(), &operator[found[0].range.clone()]), ("runai-step.toml", "team"));

    let (operator, cursor) = marked("runai-step.toml", "[labels]\nteam‸ = \"x\"\n");
    let setting = operator.setting_at(cursor).unwrap();
    let places = document.places_of(&setting);
    assert_eq!((setting.as_str(), &document.text()[places[0].range.clone()]), ("/labels/team", "team"));
}

#[test]
fn renames_anchor_with_aliases() {
    let text = "labels: &all {team: ml}\nannotations: *‸all\nworking_dir: \"*all\" # *all\n";
    let (document, cursor) = marked("a.yaml", text);
    assert_eq!(document.renameable(cursor).map(|range| document.text()[range].to_owned()).as_deref(), Some("all"));
    let edits = document.rename(cursor, "shared").unwrap();
    let renamed = "labels: &shared {team: ml}\nannotations: *shared\nworking_dir: \"*all\" # *all\n";
    assert_eq!(applied(document.text(), "a.yaml", &edits), renamed);
    for wrong in ["", "a b", "a,b"] {
        assert!(document.rename(cursor, wrong).is_err(), "{wrong}");
    }
    assert_eq!(document.rename(0, "x").unwrap_err(), "there is no anchor or alias here");
    let (document, cursor) = marked("a.yaml", "a: &x‸ 1\nb: &y 2\n");
    assert_eq!(document.rename(cursor, "y").unwrap_err(), "the anchor `y` exists already");
}

#[test]
fn links_urls_and_files() {
    let text = "$schema = \"https://example.com/s.json\"\nclient_secret_file = \"s.txt\"\nrunai_base_url = \"https://a:b@h\"\n";
    let document = document("runai-step.toml", text);
    let found: Vec<_> = document.document_links().into_iter().map(|link| link.target).collect();
    let expected = [LinkTarget::Url("https://example.com/s.json".to_owned()), LinkTarget::File("s.txt".to_owned())];
    assert_eq!(found, expected);
}

#[test]
fn format_keeps_comments() {
    for (name, text, formatted) in [
        ("a.yaml", "# c  \n\n\n\na:   1  # d\nb:\n  - x\n\n\n\n", "# c\n\na: 1  # d\nb:\n  - x\n"),
        ("a.yaml", "a: |\n  x  \n\n\n  y\nb:  1", "a: |\n  x  \n\n\n  y\nb: 1\n"),
        ("a.toml", "a=1\n\n\n[b]  \nc   =   [1,2] # d\n", "a = 1\n\n[b]\nc = [1,2] # d\n"),
        ("a.json", "{\"a\":1}", "{\n  \"a\": 1\n}\n"),
        ("a.yaml", "a: [\n", "a: [\n"),
    ] {
        let document = document(name, text);
        let once = applied(text, name, &document.format_edits());
        assert_eq!(once, formatted);
        assert!(crate::document(name, &once).format_edits().is_empty(), "{once:?}");
    }
}
