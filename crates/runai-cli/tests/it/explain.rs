use crate::Scratch;

#[test]
fn a_rule_is_explained_with_its_examples() {
    insta::assert_snapshot!(Scratch::new().run(&["explain", "toleration-value-with-exists"]), @"");
}

#[test]
fn a_setting_is_explained_with_all_that_is_known_of_it() {
    insta::assert_snapshot!(Scratch::new().run(&["explain", "gpu_portion_request"]), @"");
    insta::assert_snapshot!(Scratch::new().run(&["explain", "pvc_mounts.claim_info"]), @"");
}

#[test]
fn an_unknown_word_gets_the_nearest_one() {
    insta::assert_snapshot!(Scratch::new().run(&["explain", "unknwon-key"]), @"");
}

#[test]
fn without_a_word_everything_is_listed() {
    let shown = Scratch::new().run(&["explain"]);
    for word in ["unknown-key", "warning", "gpu_devices_request", "security_context.run_as_uid", "runai_base_url"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let json = Scratch::new().command(&["explain", "--format", "json"]).output().unwrap().stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(json["rules"].as_array().unwrap().len() > 40);
}
