//! The editor's server, with requests of the page and of foreign pages.

#[cfg(not(feature = "editor"))]
#[test]
fn reports_missing_page() {
    insta::assert_snapshot!(crate::Scratch::new().run(&["editor"]), @"
    exit 2
    --- stderr
    error: this program was built without the editor's page
    hint: build it with `cargo xtask dist`, or serve the page with `cargo xtask editor`
    ");
}

#[cfg(feature = "editor")]
mod with_the_page {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpStream;
    use std::process::{Child, Stdio};

    use serde_json::{Value, json};

    use crate::Scratch;

    struct Served {
        scratch: Scratch,
        child: Child,
        address: String,
        token: String,
    }

    impl Served {
        fn start(words: &[&str]) -> Self {
            let scratch = Scratch::new();
            scratch.write("step.runai.yaml", "image: a\n");
            let mut command = scratch.command(&[&["editor"], words].concat());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let rest = line.trim().strip_prefix("http://").unwrap();
            let (address, query) = rest.split_once('/').unwrap();
            let token = query.strip_prefix("?token=").unwrap_or_default().to_owned();
            Self { child, address: address.to_owned(), token, scratch }
        }

        /// Returns status and body of a response.
        fn ask(&self, line: &str, headers: &str, body: &str) -> (u16, String) {
            let host = if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
            let mut stream = TcpStream::connect(&self.address).unwrap();
            let length = body.len();
            let request = format!(
                "{line} HTTP/1.1\r\n{host}Connection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            );
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            let answer = String::from_utf8_lossy(&answer);
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
        }

        fn token(&self) -> String {
            format!("X-Runai-Step-Token: {}\r\n", self.token)
        }
    }

    impl Drop for Served {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    const MARK: &str = "runai-step-file";

    #[test]
    fn opens_and_saves_file() {
        let served = Served::start(&["step.runai.yaml"]);
        let (status, page) = served.ask("GET /?token=x", "", "");
        assert!(status == 200 && page.contains(MARK), "{status}");
        let (status, body) = served.ask("GET /api/file", &served.token(), "");
        let file: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, file), (200, json!({"name": "step.runai.yaml", "text": "image: a\n", "format": "yaml"})));
        let save = |text: &str, was: &str| {
            served.ask("PUT /api/file", &served.token(), &json!({"text": text, "was": was}).to_string())
        };
        assert_eq!(save("image: b\n", "image: a\n").0, 204);
        let path = served.scratch.path().join("step.runai.yaml");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "image: b\n");
        let (status, body) = save("image: c\n", "image: a\n");
        assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (409, json!({"text": "image: b\n"})));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "image: b\n");
        assert_eq!(std::fs::read_dir(served.scratch.path()).unwrap().count(), 1);
    }

    #[test]
    fn rejects_foreign_requests() {
        let served = Served::start(&["step.runai.yaml"]);
        for (headers, status) in [
            ("Host: evil.example.com\r\n", 403),
            ("Origin: http://evil.example.com\r\n", 403),
            ("X-Runai-Step-Token: wrong\r\n", 403),
            ("", 403),
        ] {
            assert_eq!(served.ask("GET /api/file", headers, "").0, status, "{headers}");
            let body = json!({"text": "x", "was": "image: a\n"}).to_string();
            assert_eq!(served.ask("PUT /api/file", headers, &body).0, status, "{headers}");
        }
        let evil = format!("Origin: http://evil.example.com\r\n{}", served.token());
        assert_eq!(served.ask("GET /api/file", &evil, "").0, 403);
        assert_eq!(std::fs::read_to_string(served.scratch.path().join("step.runai.yaml")).unwrap(), "image: a\n");
        assert_eq!(served.ask("GET /../../etc/passwd", "", "").0, 404);
    }

    #[test]
    fn serves_page_without_file() {
        let served = Served::start(&[]);
        let (status, page) = served.ask("GET /", "", "");
        assert!(status == 200 && !page.contains(MARK), "{status}");
        assert!(page.contains("<script"), "{page}");
    }

    #[test]
    fn rejects_unreadable_file() {
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.path().join("folder")).unwrap();
        scratch.write("bytes", [0xff, 0xfe]);
        for file in ["folder", "bytes"] {
            assert_eq!(scratch.command(&["editor", file]).output().unwrap().status.code(), Some(2), "{file}");
        }
    }
}
