use std::fs;
use std::path::Path;

use crate::Scratch;

#[test]
fn prints_schema_files() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    for name in runai_spec::schema::NAMES {
        let output = Scratch::new().command(&["schema", name]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout == fs::read(schemas.join(format!("{name}.schema.json"))).unwrap(), "{name}");
    }
}

#[test]
fn rejects_unknown_schema() {
    let output = Scratch::new().command(&["schema", "setings"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("possible values: step, settings, operator, zenml-run, training-request"), "{words}");
    assert!(words.contains("a similar value exists: 'settings'"), "{words}");
}
