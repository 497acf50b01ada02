//! The functions and the class that are exported to JavaScript.

use std::sync::Once;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::api;
use crate::document::{Analysis, JsonDocument};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("../js/types.d.ts");

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON)]
    fn parse(text: &str) -> JsValue;

    /// Returns `None` for `undefined`.
    #[wasm_bindgen(js_namespace = JSON)]
    fn stringify(value: &JsValue) -> Option<String>;

    #[wasm_bindgen(js_namespace = Reflect)]
    fn set(object: &JsValue, member: &str, value: &str) -> bool;

    /// Arguments of the document's constructor.
    #[wasm_bindgen(typescript_type = "DocumentInit")]
    pub type DocumentInit;

    #[wasm_bindgen(method, getter)]
    fn text(this: &DocumentInit) -> String;

    #[wasm_bindgen(method, getter)]
    fn format(this: &DocumentInit) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn kind(this: &DocumentInit) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn operator(this: &DocumentInit) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn context(this: &DocumentInit) -> JsValue;
}

fn start() {
    static HOOK: Once = Once::new();
    // Without the hook the message would be lost: a trap only reports "unreachable".
    HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string()))));
}

/// Calls one function of the core: its name, and its arguments as a JSON list.
#[wasm_bindgen]
#[must_use]
pub fn call(function: &str, text: &str, arguments: &str) -> String {
    start();
    api::call(function, text, arguments)
}

/// A document with a text that changes; each change resolves the text once.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Document(JsonDocument);

#[wasm_bindgen]
impl Document {
    /// Returns a document with a text.
    ///
    /// # Errors
    ///
    /// All methods throw `{code, message, help?, path?, report?}`.
    #[wasm_bindgen(constructor)]
    pub fn new(init: &DocumentInit) -> Result<Self, JsValue> {
        start();
        let (operator, context) = (stringify(&init.operator()), stringify(&init.context()));
        let (kind, format) = (init.kind(), init.format());
        let made = JsonDocument::new(
            &init.text(),
            format.as_deref(),
            kind.as_deref(),
            operator.as_deref(),
            context.as_deref(),
        );
        made.map(Self).map_err(to_exception)
    }

    /// Replaces the text.
    #[wasm_bindgen(js_name = setText)]
    pub fn set_text(&mut self, text: &str) {
        self.0.set_text(text);
    }

    /// Applies edits, which must be sorted and must not overlap.
    ///
    /// # Errors
    ///
    /// If an edit does not fit the text.
    pub fn apply(&mut self, #[wasm_bindgen(unchecked_param_type = "Edit[]")] edits: &JsValue) -> Result<(), JsValue> {
        self.0.apply(&stringify(edits).unwrap_or_default()).map_err(to_exception)
    }

    /// Replaces the operator file.
    ///
    /// # Errors
    ///
    /// If the value has another type.
    #[wasm_bindgen(js_name = setOperator)]
    pub fn set_operator(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "OperatorFile | null")] operator: &JsValue,
    ) -> Result<(), JsValue> {
        self.0.set_operator(stringify(operator).as_deref()).map_err(to_exception)
    }

    /// Replaces the facts that are not in the text.
    ///
    /// # Errors
    ///
    /// If the value has another type.
    #[wasm_bindgen(js_name = setFacts)]
    pub fn set_facts(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Facts")] facts: &JsValue,
    ) -> Result<(), JsValue> {
        self.0.set_facts(stringify(facts).as_deref()).map_err(to_exception)
    }

    /// Returns the analysis of the text, or the named parts of it.
    ///
    /// # Errors
    ///
    /// If a part is unknown.
    #[wasm_bindgen(unchecked_return_type = "Analysis")]
    pub fn analysis(
        &self,
        #[wasm_bindgen(unchecked_param_type = "AnalysisPart[] | null | undefined")] parts: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let Analysis { json, body } = self.0.analysis(stringify(parts).as_deref()).map_err(to_exception)?;
        let analysis = parse(&json);
        if let Some(body) = body {
            set(&analysis, "body", &body);
        }
        Ok(analysis)
    }

    /// Returns the smallest edits that set the value at a JSON pointer, or remove it (`null`).
    ///
    /// # Errors
    ///
    /// If the text has no place for the value.
    #[wasm_bindgen(unchecked_return_type = "Edit[]")]
    pub fn edit(
        &self,
        pointer: &str,
        #[wasm_bindgen(unchecked_param_type = "Json")] value: &JsValue,
    ) -> Result<JsValue, JsValue> {
        self.0.edit(pointer, stringify(value).as_deref()).map(|edits| parse(&edits)).map_err(to_exception)
    }

    /// Converts the values to another format, without comments.
    ///
    /// # Errors
    ///
    /// If the text does not parse, or the format cannot express a value.
    pub fn convert(&self, #[wasm_bindgen(unchecked_param_type = "Format")] to: &str) -> Result<String, JsValue> {
        self.0.convert(to).map_err(to_exception)
    }

    /// Returns the first fix of the diagnostic with a code and a JSON pointer.
    #[must_use]
    #[wasm_bindgen(unchecked_return_type = "Fix | null")]
    pub fn fix(&self, code: &str, pointer: &str) -> JsValue {
        parse(&self.0.fix(code, pointer))
    }

    /// Returns commands and programs that submit the step; `null` while the text has errors.
    #[must_use]
    #[wasm_bindgen(unchecked_return_type = "Snippet[] | null")]
    pub fn snippets(&self) -> JsValue {
        parse(&self.0.snippets())
    }

    /// Returns where the value at a JSON pointer is written or would be inserted.
    #[must_use]
    #[wasm_bindgen(unchecked_return_type = "Place | null")]
    pub fn locate(&self, pointer: &str) -> JsValue {
        parse(&self.0.locate(pointer))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used with `map_err`")]
fn to_exception(error: String) -> JsValue {
    parse(&error)
}
