//! A pipeline's block under a step's, as ZenML 0.98 merges them: `StepConfiguration.apply_pipeline_configuration`.
//!
//! The compiler hands blocks on with what they set and nothing else: defaults of the settings class are filled in last.

use runai_syntax::{Node, Value};

/// Returns the step's block with what the pipeline's has beside it. Maps are merged, lists replaced, and `null` leaves the
/// pipeline's value.
pub(super) fn under<'t>(pipeline: Node<'t>, step: Node<'t>) -> Node<'t> {
    let span = step.span;
    match (pipeline.value, step.value) {
        (Value::Map(mut merged), Value::Map(step)) => {
            for entry in step.0.into_iter().filter(|entry| entry.value.value != Value::Null) {
                match merged.0.iter().position(|own| own.key == entry.key) {
                    Some(at) => {
                        let empty = Node { value: Value::Null, span: entry.key_span };
                        let below = std::mem::replace(&mut merged.0[at].value, empty);
                        merged.0[at].key_span = entry.key_span;
                        merged.0[at].value = under(below, entry.value);
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
