//! Merges a step's block over the pipeline's, like ZenML 0.98's `StepConfiguration.apply_pipeline_configuration`.
//!
//! Only values that a block sets are merged. Defaults of the settings class are added last.

use runai_syntax::{Node, Value};

/// Merges `step` over `pipeline`. Maps are merged by key, lists are replaced, and `null` keeps the pipeline's value.
pub(super) fn merge_over<'t>(pipeline: Node<'t>, step: Node<'t>) -> Node<'t> {
    let span = step.span;
    match (pipeline.value, step.value) {
        (Value::Map(mut merged), Value::Map(step)) => {
            for entry in step.0.into_iter().filter(|entry| entry.value.value != Value::Null) {
                match merged.0.iter().position(|own| own.key == entry.key) {
                    Some(at) => {
                        let empty = Node { value: Value::Null, span: entry.key_span };
                        let below = std::mem::replace(&mut merged.0[at].value, empty);
                        merged.0[at].key_span = entry.key_span;
                        merged.0[at].value = merge_over(below, entry.value);
                    }
                    None => merged.0.push(entry),
                }
            }
            Node { value: Value::Map(merged), span }
        }
        (below, Value::Null) => Node { value: below, span: pipeline.span },
        (_, value) => Node { value, span },
    }
}
