use crate::Scratch;

#[test]
fn explains_rule() {
    insta::assert_snapshot!(Scratch::new().run(&["explain", "toleration-value-with-exists"]), @"
    exit 0
    --- stdout
    toleration-value-with-exists (error)
    toleration with `Exists` and a value

    A toleration with `operator: Exists` matches every value of the taint. Kubernetes rejects a `value` with it.

    Valid:
        tolerations:
          - {key: gpu, operator: Exists}

    Invalid:
        tolerations:
          - {key: gpu, operator: Exists, value: a100}
    ");
}

#[test]
fn explains_setting() {
    insta::assert_snapshot!(Scratch::new().run(&["explain", "gpu_portion_request"]), @"
    exit 0
    --- stdout
    gpu_portion_request

    Fraction of each device, from `0.0` to `1.0`: `0.5` is half a device, `1.0` a whole one.

    Only sent with `gpu_request_type: portion`.

    value    a number from 0 to 1
    default  1.0
    unit     devices
    example  0.5
    becomes  spec.compute.gpuPortionRequest
    ");
    insta::assert_snapshot!(Scratch::new().run(&["explain", "pvc_mounts.claim_info"]), @r#"
    exit 0
    --- stdout
    pvc_mounts.claim_info

    Description of a new claim, with `existing_pvc: false`.

    value    a map, or null
    example  {"size":"50Gi","storage_class":"fast"}
    becomes  claimInfo
    settings access_modes, added_attr_values, size, storage_class, volume_mode
    "#);
}

#[test]
fn suggests_nearest_name() {
    insta::assert_snapshot!(Scratch::new().run(&["explain", "unknwon-key"]), @"
    exit 4
    --- stderr
    error: unknown rule or setting `unknwon-key`
    hint: did you mean `unknown-key`?
    ");
}

#[test]
fn lists_rules_and_settings() {
    let shown = Scratch::new().run(&["explain"]);
    for word in ["unknown-key", "warning", "gpu_devices_request", "security_context.run_as_uid", "runai_base_url"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let json = Scratch::new().command(&["explain", "--format", "json"]).output().unwrap().stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(json["rules"].as_array().unwrap().len() > 40);
}
