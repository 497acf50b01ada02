//! API requests as values, before anything is sent.
//!
//! A pure function builds an [`ApiRequest`]; the client signs and sends it and decodes the answer; `render --curl` and
//! the browser's preview print the very same value.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::command::shell_quote;

/// An HTTP method that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Method {
    /// Stop or remove a resource.
    Delete,
    /// Read; never changes anything.
    Get,
    /// Change some members of a resource.
    Patch,
    /// Create or act.
    Post,
    /// Replace a resource.
    Put,
}

impl Method {
    /// The method as it stands in an HTTP request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    /// Whether a second request has no further effect (RFC 9110, section 9.2.2).
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Self::Delete | Self::Get | Self::Put)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the members of a body are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`: what OAuth 2.0 token requests use.
    Form,
    /// `application/json`.
    #[default]
    Json,
}

impl Encoding {
    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// One request of the Run:ai REST API, without its base URL and without credentials.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: Method,
    /// Path from the root of the control plane, each segment percent-encoded: `/api/v1/workloads/trainings`.
    pub path: String,
    /// Query parameters in order, neither names nor values encoded yet. A name may occur more than once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(Cow<'static, str>, String)>,
    /// The body as it is sent, if the request has one. Serialized as the value of its JSON, or as a text.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "body_value")]
    pub body: Option<Bytes>,
    /// How the body is written.
    #[serde(skip)]
    pub encoding: Encoding,
    /// The value of `Accept`; `application/json` when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<Cow<'static, str>>,
    /// Whether a second request has no further effect, so that a client may retry it after any failure. The method
    /// decides unless [`ApiRequest::idempotent`] says otherwise.
    #[serde(skip)]
    pub is_idempotent: bool,
}

impl ApiRequest {
    /// A request without query and body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            encoding: Encoding::Json,
            accept: None,
            is_idempotent: method.is_idempotent(),
        }
    }

    /// A `GET` of `path`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// A `DELETE` of `path`.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::Delete, path)
    }

    /// A `PATCH` of `path` without a body.
    #[must_use]
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::Patch, path)
    }

    /// A `POST` to `path` without a body.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::Post, path)
    }

    /// A `PUT` of `path` without a body.
    #[must_use]
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::Put, path)
    }

    /// The same request with `name=value` added to its query.
    #[must_use]
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// The same request with a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// The same request with a body that is JSON already.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self.encoding = Encoding::Json;
        self
    }

    /// The same request with a form for its body, one field for each pair.
    #[must_use]
    pub fn form<N: Into<String>, V: Into<String>>(mut self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut form = String::new();
        for (name, value) in fields {
            let separator = if form.is_empty() { "" } else { "&" };
            let (name, value) = (encode_component(&name.into()), encode_component(&value.into()));
            let _ = write!(form, "{separator}{name}={value}");
        }
        self.body = Some(form.into());
        self.encoding = Encoding::Form;
        self
    }

    /// The same request for another media type than JSON, such as `text/csv` for metrics.
    #[must_use]
    pub fn accept(mut self, media_type: impl Into<Cow<'static, str>>) -> Self {
        self.accept = Some(media_type.into());
        self
    }

    /// The same request, stated to be idempotent or not whatever its method is.
    #[must_use]
    pub const fn idempotent(mut self, is_idempotent: bool) -> Self {
        self.is_idempotent = is_idempotent;
        self
    }

    /// The path with its percent-encoded query, as it stands in an HTTP request line.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(&encode_component(name));
            target.push('=');
            target.push_str(&encode_component(value));
        }
        target
    }

    /// The body as a value; `None` if there is none, or if it is not JSON.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        serde_json::from_slice(self.body.as_ref()?).ok()
    }

    /// The text of the body as it is sent; `None` if there is none, or if it is not UTF-8.
    #[must_use]
    pub fn body_text(&self) -> Option<&str> {
        str::from_utf8(self.body.as_ref()?).ok()
    }

    /// A `curl` command that sends this request; the token is the shell's `$RUNAI_TOKEN`, never a value.
    ///
    /// `base_url` is the control plane, without a trailing slash; it and the body are quoted for a POSIX shell. Without
    /// one it is the shell's `$RUNAI_BASE_URL`.
    #[must_use]
    pub fn to_curl(&self, base_url: Option<&str>) -> String {
        let mut curl = format!("curl --fail-with-body --request {}", self.method.as_str());
        let target = self.target();
        let url = match base_url {
            Some(base_url) => shell_quote(&format!("{}{target}", base_url.trim_end_matches('/'))).into_owned(),
            None => format!("\"$RUNAI_BASE_URL\"{}", shell_quote(&target)),
        };
        let _ = write!(curl, " \\\n  {url}");
        curl.push_str(" \\\n  --header \"Authorization: Bearer $RUNAI_TOKEN\"");
        if let Some(accept) = &self.accept {
            let _ = write!(curl, " \\\n  --header {}", shell_quote(&format!("Accept: {accept}")));
        }
        if let Some(body) = self.body_text() {
            let _ = write!(curl, " \\\n  --header 'Content-Type: {}'", self.encoding.content_type());
            let _ = write!(curl, " \\\n  --data {}", shell_quote(body));
        }
        curl
    }
}

/// Shows no body: it may hold secrets.
impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, is_idempotent, .. } = self;
        let mut debug = f.debug_struct("ApiRequest");
        debug.field("method", method).field("target", &self.target()).field("is_idempotent", is_idempotent);
        debug.finish_non_exhaustive()
    }
}

#[expect(clippy::ref_option, reason = "serde passes the field")]
fn body_value<S: Serializer>(body: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(body) = body else { return serializer.serialize_none() };
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => value.serialize(serializer),
        Err(_) => serializer.serialize_str(&String::from_utf8_lossy(body)),
    }
}

/// `text` percent-encoded as one URL component: everything but RFC 3986's unreserved characters.
#[must_use]
pub fn encode_component(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_methods_without_further_effect_are_idempotent_unless_stated() {
        let idempotent = |request: ApiRequest| request.is_idempotent;
        assert!(idempotent(ApiRequest::get("/x")) && idempotent(ApiRequest::put("/x")));
        assert!(idempotent(ApiRequest::delete("/x")));
        assert!(!idempotent(ApiRequest::post("/x")) && !idempotent(ApiRequest::patch("/x")));
        assert!(idempotent(ApiRequest::post("/x").idempotent(true)));
        assert!(!idempotent(ApiRequest::put("/x").idempotent(false)));
    }

    #[test]
    fn query_names_and_values_of_any_origin_are_encoded() {
        let name = format!("a{}", " b");
        let request = ApiRequest::get("/x").query(name, "1&2").query("file_type", "csv");
        assert_eq!(request.target(), "/x?a%20b=1%262&file_type=csv");
    }

    #[test]
    fn a_form_is_encoded_and_a_curl_command_says_so() {
        let request = ApiRequest::post("/api/v2/token").form([("grant_type", "password"), ("username", "a b&c")]);
        assert_eq!(request.body_text(), Some("grant_type=password&username=a%20b%26c"));
        let curl = request.accept("text/plain").to_curl(None);
        assert!(curl.contains("--header 'Accept: text/plain'"), "{curl}");
        assert!(curl.contains("'Content-Type: application/x-www-form-urlencoded'"), "{curl}");
    }

    #[test]
    fn debug_shows_no_body() {
        let request = ApiRequest::patch("/x").query("a", "b").json(&json!({"password": "canary"}));
        let shown = format!("{request:?} {request:#?}");
        assert!(shown.contains("/x?a=b") && !shown.contains("canary") && !shown.contains("password"), "{shown}");
    }
}
