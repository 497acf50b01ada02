use std::fs;
use std::path::Path;

use crate::Scratch;

#[test]
fn schemas_are_printed_as_their_files_are() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    for name in runai_spec::schema::NAMES {
        let output = Scratch::new().command(&["schema", name]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout == fs::read(schemas.join(format!("{name}.schema.json"))).unwrap(), "{name}");
    }
}

#[test]
fn a_schema_that_does_not_exist_is_wrong_usage() {
    let output = Scratch::new().command(&["schema", "setings"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("possible values: step, settings, operator, zenml-run, training-request"), "{words}");
    assert!(words.contains("a similar value exists: 'settings'"), "{words}");
}
