//! Minimizes failing cases.

use anyhow::Result;
use serde_json::Value;

use crate::{
    case::{Case, CaseKind},
    compare, differences,
    reference::Reference,
};

/// Removes values from the case while its kind of disagreement stays. Returns the minimized case and a description of its
/// disagreements.
pub(crate) fn shrink(case: &Case, sort: &str, reference: &mut Reference) -> Result<(Case, Vec<String>)> {
    let mut small = case.clone();
    let mut words = unexplained(&small, sort, reference)?;
    loop {
        let mut smaller = None;
        for candidate in candidates(&small) {
            let found = unexplained(&candidate, sort, reference)?;
            if !found.is_empty() {
                smaller = Some((candidate, found));
                break;
            }
        }
        match smaller {
            Some((candidate, found)) => (small, words) = (candidate, found),
            None => return Ok((small, words)),
        }
    }
}

/// Returns the disagreements of this kind without exactly one entry in the table.
fn unexplained(case: &Case, sort: &str, reference: &mut Reference) -> Result<Vec<String>> {
    let answers = reference.ask(std::slice::from_ref(case))?;
    let core = case.run_core();
    let found = answers.iter().flat_map(|answer| compare::compare(case, &core, answer));
    Ok(found
        .filter(|disagreement| disagreement.sort() == sort)
        .filter_map(|disagreement| match differences::explanations(&disagreement).as_slice() {
            [_] => None,
            [] => Some(disagreement.words()),
            several => {
                let entries: Vec<_> = several.iter().map(|entry| differences::DIFFERENCES[*entry].id).collect();
                Some(format!("{} (explained by {})", disagreement.words(), entries.join(" and ")))
            }
        })
        .collect())
}

/// Returns variants of the case with one value removed, large values first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut found = Vec::new();
    if case.kind == CaseKind::Merged {
        found.push(Case { kind: CaseKind::Settings, operator: None, ..case.clone() });
    }
    found.extend(without_one(&case.document).into_iter().map(|document| Case { document, ..case.clone() }));
    let operators = case.operator.iter().flat_map(without_one);
    found.extend(operators.map(|operator| Case { operator: Some(operator), ..case.clone() }));
    found
}

fn without_one(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    match value {
        Value::Array(items) => {
            for index in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(index);
                found.push(Value::Array(fewer));
            }
            for (index, item) in items.iter().enumerate() {
                for smaller in without_one(item) {
                    let mut items = items.clone();
                    items[index] = smaller;
                    found.push(Value::Array(items));
                }
            }
        }
        Value::Object(map) => {
            for key in map.keys() {
                let mut fewer = map.clone();
                fewer.remove(key);
                found.push(Value::Object(fewer));
            }
            for (key, item) in map {
                for smaller in without_one(item) {
                    let mut map = map.clone();
                    map.insert(key.clone(), smaller);
                    found.push(Value::Object(map));
                }
            }
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn removes_one_value_at_a_time() {
        let smaller = without_one(&json!({"a": [1, {"b": 2}], "c": "long"}));
        let expected = [
            json!({"c": "long"}),
            json!({"a": [1, {"b": 2}]}),
            json!({"a": [{"b": 2}], "c": "long"}),
            json!({"a": [1], "c": "long"}),
            json!({"a": [1, {}], "c": "long"}),
        ];
        assert_eq!(smaller, expected);
    }
}
