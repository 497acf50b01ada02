//! `runai-step editor`: serves the settings editor on localhost.
//!
//! The page is `web/dist`, which the feature `editor` includes in the program. Other web pages cannot use the server:
//! it accepts only loopback names in `Host` and its own `Origin`, and access to the file needs a random token.

#[cfg(not(feature = "editor"))]
pub(crate) use without::editor;

#[cfg(feature = "editor")]
pub(crate) use with::editor;

#[cfg(not(feature = "editor"))]
mod without {
    use crate::args::EditorArgs;
    use crate::exit::Exit;
    use crate::failure::Failure;

    /// Reports that this build does not contain the page.
    pub(crate) fn editor(_: &EditorArgs) -> Result<Exit, Failure> {
        Err(Failure::usage("this program was built without the editor's page")
            .hint("build it with `cargo xtask dist`, or serve the page with `cargo xtask editor`"))
    }
}

#[cfg(feature = "editor")]
mod with {
    use std::fs;
    use std::io;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use axum::body::Body;
    use axum::extract::{DefaultBodyLimit, Request, State};
    use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
    use axum::middleware::{self, Next};
    use axum::response::{IntoResponse, Response};
    use axum::routing::get;
    use axum::{Json, Router};
    use include_dir::{Dir, include_dir};
    use runai_syntax::Format;
    use runai_syntax::MAX_BYTES;
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use tokio::net::TcpListener;

    use crate::args::EditorArgs;
    use crate::exit::Exit;
    use crate::failure::Failure;
    use crate::interrupts::Interrupts;
    use crate::output;
    use crate::runtime::block_on;

    static PAGE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../web/dist");

    /// The header that carries the token.
    const TOKEN: &str = "x-runai-step-token";
    /// Makes the page load the file from this address.
    const FILE_META: &str = r#"<meta name="runai-step-file" content="api/file">"#;
    /// Content security policy of the page; its `<meta>` contains the same.
    const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
        img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
        form-action 'none'; frame-ancestors 'none'";

    struct Served {
        file: Option<PathBuf>,
        token: String,
        port: u16,
    }

    /// Serves the page until it is stopped.
    pub(crate) fn editor(args: &EditorArgs) -> Result<Exit, Failure> {
        if let Some(file) = &args.file {
            // Report an unreadable file here rather than in the page.
            readable(file).map_err(|problem| Failure::usage(format!("`{}` {problem}", file.display())))?;
        }
        block_on(async {
            let mut interrupts = Interrupts::listen();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
            let listener = TcpListener::bind(address).await.map_err(|problem| {
                Failure::usage(format!("cannot listen on port {}: {problem}", args.port))
                    .hint("choose another port with `--port`, or omit `--port`")
            })?;
            let port = listener.local_addr().map_or(args.port, |address| address.port());
            let token = uuid::Uuid::new_v4().simple().to_string();
            let served = Arc::new(Served { file: args.file.clone(), token, port });
            let url = match &args.file {
                Some(_) => format!("http://127.0.0.1:{port}/?token={}", served.token),
                None => format!("http://127.0.0.1:{port}/"),
            };
            let printed = output::line(&url);
            if printed.is_err() {
                return Ok(output::exit_of(&printed));
            }
            output::status("open this address in a browser; Ctrl-C stops the server");
            let router = Router::new()
                .route("/api/file", get(open).put(save))
                .fallback(page)
                .layer(DefaultBodyLimit::max(4 * MAX_BYTES))
                .layer(middleware::from_fn_with_state(Arc::clone(&served), guard))
                .with_state(served);
            let stopped = async move { interrupts.next().await };
            axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await
                .map_err(|problem| Failure::usage(format!("cannot continue to serve the page: {problem}")))?;
            Ok(Exit::Success)
        })
    }

    /// Rejects requests with a foreign `Host` or `Origin`.
    async fn guard(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
        if !served.is_for(request.headers()) {
            return (StatusCode::FORBIDDEN, "only requests from this machine are allowed\n").into_response();
        }
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn page(State(served): State<Arc<Served>>, uri: Uri) -> Response {
        let path = match uri.path().trim_start_matches('/') {
            "" => "index.html",
            path => path,
        };
        let Some(file) = PAGE.get_file(path) else {
            return (StatusCode::NOT_FOUND, "file not found\n").into_response();
        };
        let body = match (path, file.contents_utf8()) {
            ("index.html", Some(text)) if served.file.is_some() => {
                Body::from(text.replacen("<head>", &format!("<head>{FILE_META}"), 1))
            }
            _ => Body::from(file.contents()),
        };
        ([(header::CONTENT_TYPE, kind(path))], body).into_response()
    }

    fn kind(path: &str) -> &'static str {
        match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "css" => "text/css; charset=utf-8",
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "json" => "application/json",
            "svg" => "image/svg+xml",
            "wasm" => "application/wasm",
            "webmanifest" => "application/manifest+json",
            _ => "application/octet-stream",
        }
    }

    #[derive(Serialize)]
    struct Opened<'f> {
        name: &'f str,
        text: String,
        format: Format,
    }

    #[derive(Deserialize)]
    struct Saved {
        text: String,
        /// The content that the page expects in the file.
        was: String,
    }

    impl Served {
        /// Whether `Host` is a loopback name of this server, and `Origin` is absent or the same.
        fn is_for(&self, headers: &HeaderMap) -> bool {
            let ours = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
            let named = |name: header::HeaderName| headers.get(name).map(HeaderValue::as_bytes);
            let is_ours = |host: &[u8]| ours.iter().any(|ours| ours.as_bytes() == host);
            let origin = named(header::ORIGIN);
            named(header::HOST).is_some_and(is_ours)
                && origin.is_none_or(|origin| origin.strip_prefix(b"http://").is_some_and(is_ours))
        }

        fn permits(&self, headers: &HeaderMap) -> bool {
            headers.get(TOKEN).is_some_and(|token| token.as_bytes() == self.token.as_bytes())
        }
    }

    async fn open(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
        if !served.permits(&headers) {
            return refuse(StatusCode::FORBIDDEN, "the token is missing or wrong");
        }
        let Some(file) = &served.file else { return refuse(StatusCode::NOT_FOUND, "no file to edit") };
        match readable(file) {
            Ok(text) => {
                let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
                Json(Opened { name: &name, text, format: Format::of_path(&name) }).into_response()
            }
            Err(problem) => refuse(StatusCode::CONFLICT, &format!("the file {problem}")),
        }
    }

    async fn save(State(served): State<Arc<Served>>, headers: HeaderMap, Json(saved): Json<Saved>) -> Response {
        if !served.permits(&headers) {
            return refuse(StatusCode::FORBIDDEN, "the token is missing or wrong");
        }
        let Some(file) = &served.file else { return refuse(StatusCode::NOT_FOUND, "no file to edit") };
        match readable(file) {
            // Another program changed the file: the page asks the user.
            Ok(text) if text != saved.was => (StatusCode::CONFLICT, Json(json!({"text": text}))).into_response(),
            Err(problem) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &format!("the file {problem}")),
            Ok(_) => match write(file, &saved.text) {
                Ok(()) => StatusCode::NO_CONTENT.into_response(),
                Err(problem) => {
                    refuse(StatusCode::INTERNAL_SERVER_ERROR, &format!("the file cannot be written: {problem}"))
                }
            },
        }
    }

    fn refuse(status: StatusCode, message: &str) -> Response {
        (status, Json(json!({"message": message}))).into_response()
    }

    /// Reads a file; a missing file is empty.
    fn readable(file: &Path) -> Result<String, String> {
        match fs::read(file) {
            Ok(bytes) if bytes.len() > MAX_BYTES => Err(format!("is larger than {MAX_BYTES} bytes")),
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(problem) => Err(format!("cannot be read: {problem}")),
        }
    }

    /// Replaces a file atomically, by a temporary file and a rename. Keeps its permissions.
    fn write(file: &Path, text: &str) -> io::Result<()> {
        // Follow a symbolic link instead of replacing it.
        let place = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
        let temporary = place.with_file_name(name);
        let written = fs::write(&temporary, text).and_then(|()| {
            if let Ok(meta) = fs::metadata(&place) {
                fs::set_permissions(&temporary, meta.permissions())?;
            }
            fs::rename(&temporary, &place)
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}
