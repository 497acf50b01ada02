//! API requests as values.
//!
//! Pure functions build an [`ApiRequest`]. The client adds the token, sends it and decodes the response.
//! `render --curl` and the browser's preview show the same value.

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
    /// Delete a resource.
    Delete,
    /// Read a resource.
    Get,
    /// Update some members of a resource.
    Patch,
    /// Create a resource, or execute an action.
    Post,
    /// Replace a resource.
    Put,
}

impl Method {
    /// Returns the method as in an HTTP request line.
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

    /// Returns whether the method is idempotent (RFC 9110, section 9.2.2).
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

/// The encoding of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, for OAuth 2.0 token requests.
    Form,
    /// `application/json`.
    #[default]
    Json,
}

impl Encoding {
    /// Returns the value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// A request of the Run:ai REST API, without base URL and credentials.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: Method,
    /// Path from the root of the control plane, each segment percent-encoded: `/api/v1/workloads/trainings`.
    pub path: String,
    /// Query parameters in order, not encoded. Names may repeat.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(Cow<'static, str>, String)>,
    /// The body, if the request has one. Serialized as a JSON value, or as a string if it is not JSON.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "body_value")]
    pub body: Option<Bytes>,
    /// The encoding of the body.
    #[serde(skip)]
    pub encoding: Encoding,
    /// The value of `Accept`; the default is `application/json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<Cow<'static, str>>,
    /// Whether the request is idempotent, so that a client may retry it after any failure. The default depends on the
    /// method; [`ApiRequest::idempotent`] overrides it.
    #[serde(skip)]
    pub is_idempotent: bool,
}

impl ApiRequest {
    /// Returns a request without query and body.
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

    /// Returns a `GET` request.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// Returns a `DELETE` request.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::Delete, path)
    }

    /// Returns a `PATCH` request without a body.
    #[must_use]
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::Patch, path)
    }

    /// Returns a `POST` request without a body.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::Post, path)
    }

    /// Returns a `PUT` request without a body.
    #[must_use]
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::Put, path)
    }

    /// Adds `name=value` to the query.
    #[must_use]
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Sets a body that is serialized JSON.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self.encoding = Encoding::Json;
        self
    }

    /// Sets a form body.
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

    /// Sets the `Accept` header, such as `text/csv` for metrics.
    #[must_use]
    pub fn accept(mut self, media_type: impl Into<Cow<'static, str>>) -> Self {
        self.accept = Some(media_type.into());
        self
    }

    /// Sets whether the request is idempotent, overriding its method.
    #[must_use]
    pub const fn idempotent(mut self, is_idempotent: bool) -> Self {
        self.is_idempotent = is_idempotent;
        self
    }

    /// Returns the path with the percent-encoded query, as in an HTTP request line.
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

    /// Returns the body as a value; `None` without a body or if it is not JSON.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        serde_json::from_slice(self.body.as_ref()?).ok()
    }

    /// Returns the text of the body; `None` without a body or if it is not UTF-8.
    #[must_use]
    pub fn body_text(&self) -> Option<&str> {
        str::from_utf8(self.body.as_ref()?).ok()
    }

    /// Returns a `curl` command that sends this request. The token is the variable `$RUNAI_TOKEN`, never a value.
    ///
    /// `base_url` is the control plane's URL; the default is the variable `$RUNAI_BASE_URL`. URL and body are quoted
    /// for a POSIX shell.
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

/// Omits the body, which may contain secrets.
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

/// Percent-encodes `text` as a URL component: all except RFC 3986's unreserved characters.
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
    fn idempotency_follows_method() {
        let idempotent = |request: ApiRequest| request.is_idempotent;
        assert!(idempotent(ApiRequest::get("/x")) && idempotent(ApiRequest::put("/x")));
        assert!(idempotent(ApiRequest::delete("/x")));
        assert!(!idempotent(ApiRequest::post("/x")) && !idempotent(ApiRequest::patch("/x")));
        assert!(idempotent(ApiRequest::post("/x").idempotent(true)));
        assert!(!idempotent(ApiRequest::put("/x").idempotent(false)));
    }

    #[test]
    fn encodes_query() {
        let name = format!("a{}", " b");
        let request = ApiRequest::get("/x").query(name, "1&2").query("file_type", "csv");
        assert_eq!(request.target(), "/x?a%20b=1%262&file_type=csv");
    }

    #[test]
    fn encodes_form() {
        let request = ApiRequest::post("/api/v2/token").form([("grant_type", "password"), ("username", "a b&c")]);
        assert_eq!(request.body_text(), Some("grant_type=password&username=a%20b%26c"));
        let curl = request.accept("text/plain").to_curl(None);
        assert!(curl.contains("--header 'Accept: text/plain'"), "{curl}");
        assert!(curl.contains("'Content-Type: application/x-www-form-urlencoded'"), "{curl}");
    }

    #[test]
    fn debug_hides_body() {
        let request = ApiRequest::patch("/x").query("a", "b").json(&json!({"password": "canary"}));
        let shown = format!("{request:?} {request:#?}");
        assert!(shown.contains("/x?a=b") && !shown.contains("canary") && !shown.contains("password"), "{shown}");
    }
}
