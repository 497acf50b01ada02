//! Conversion of typed values to trees.

use runai_api::wire::TrainingCreationRequest;
use runai_spec::settings::{OperatorSettings, StepSettings};
use runai_syntax::to_tree;
use serde::Serialize;

#[test]
fn agrees_with_serde_json() {
    fn check<T: Serialize>(value: &T) {
        assert_eq!(to_tree(value).to_json(), serde_json::to_string(value).unwrap());
    }
    let every_member = include_str!("../../../runai-api/src/wire/every-member.json");
    check(&serde_json::from_str::<TrainingCreationRequest>(every_member).unwrap());
    check(&StepSettings::default());
    check(&OperatorSettings::default());
    check(&f64::NAN);
    check(&Some(-1));
    check(&None::<u8>);
    check(&["a", "b"].map(|key| (key, 'c')).into_iter().collect::<std::collections::BTreeMap<_, _>>());
    check(&Ok::<_, ()>([1_u64, u64::MAX].to_vec()));
}
