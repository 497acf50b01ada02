//! The browser editor: built from `web/` and the npm package of the core, served on loopback, and tested in Chromium.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    debian, npm,
    process::{self, command},
    workspace,
};

/// Most that a first visit may fetch, in bytes, compressed with brotli: the page and the core.
const BUDGET: usize = 460_000;

/// What the page may do, as its own `<meta>` says; a header also says who may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri \
                      'none'; form-action 'none'; frame-ancestors 'none'";

const BROWSERS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Serve on this port; any free one without it
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Build the page into `web/dist`, and fail if it weighs too much.
pub(crate) fn build() -> Result<()> {
    pack()?;
    weigh()
}

/// Build the page, and serve it until the program is stopped.
pub(crate) fn editor(args: &Args) -> Result<()> {
    pack()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
        .with_context(|| format!("cannot listen on port {}", args.port))?;
    println!("the editor is at http://{}/ until Ctrl-C", listener.local_addr()?);
    for connection in listener.incoming() {
        // A connection that breaks is the browser's business.
        let _ = thread::Builder::new().spawn(move || connection.and_then(|stream| answer(&stream)));
    }
    Ok(())
}

/// Build the page, and use it in a real browser.
pub(crate) fn test() -> Result<()> {
    pack()?;
    let pictures = workspace::target_dir()?.join("screenshots");
    let mut tests = command("npm");
    tests.current_dir(folder()).args(["run", "--silent", "test"]);
    tests.env("CHROMIUM", browser()?).env("RUNAI_STEP_SCREENSHOTS", &pictures);
    process::run(&mut tests)?;
    println!("pictures of the page are in {}", pictures.display());
    weigh()
}

/// Build the page, and measure it in a real browser: the section of `docs/benchmarks.md` about it.
pub(crate) fn bench() -> Result<String> {
    pack()?;
    let mut bench = command("node");
    bench.current_dir(folder()).arg("bench/bench.js");
    bench.env("CHROMIUM", browser()?).env("RUNAI_SPEC_PACKAGE", npm::folder()?);
    bench.env("RUNAI_STEP_BENCH", workspace::target_dir()?.join("web-bench"));
    Ok(format!("\n{}\n", process::output(&mut bench)?.trim()))
}

fn folder() -> PathBuf {
    workspace::root().join("web")
}

fn dist() -> PathBuf {
    folder().join("dist")
}

/// The core's package, then the page around it.
fn pack() -> Result<()> {
    node()?;
    npm::pack()?;
    install()?;
    let mut build = command("npm");
    build.current_dir(folder()).args(["run", "--silent", "build"]);
    build.env("RUNAI_SPEC_PACKAGE", npm::folder()?);
    process::run(&mut build)?;
    println!("the page is in {}", dist().display());
    Ok(())
}

/// Node of a version that the build runs on, with npm.
fn node() -> Result<()> {
    const HOW: &str = "on Debian: `apt-get install nodejs npm`, elsewhere see https://nodejs.org";

    let version = process::output(command("node").arg("--version"))
        .with_context(|| format!("the page is built with Node 20.19 or newer, which is not there ({HOW})"))?;
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < (20, 19) {
        bail!("the page is built with Node 20.19 or newer, not with {version} ({HOW})");
    }
    process::output(command("npm").arg("--version")).with_context(|| format!("npm is not there ({HOW})"))?;
    Ok(())
}

/// Install the packages of the lock file, unless they are there already.
fn install() -> Result<()> {
    let (lock, stamp) = (folder().join("package-lock.json"), folder().join("node_modules/.installed"));
    let wanted = fs::read(&lock).with_context(|| format!("cannot read `{}`", lock.display()))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    process::run(command("npm").current_dir(folder()).args(["ci", "--no-fund", "--no-audit"]))
        .context("the packages of web/package-lock.json cannot be installed")?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// The Chromium to test in: the one that is named, one on the path, or Debian's, which is installed now.
fn browser() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = on_path() {
        return Ok(found);
    }
    if !debian::may_install() {
        bail!(
            "the page is tested in Chromium, which is not there: install it (on Debian: `apt-get install chromium`), or \
             name it in the variable CHROMIUM"
        );
    }
    debian::install(&["chromium"])?;
    on_path().context("the package `chromium` brought no `chromium`")
}

fn on_path() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// Say what each file of the page weighs, and fail if together they weigh too much.
fn weigh() -> Result<()> {
    let mut total = 0;
    println!("{:<44} {:>9} {:>9}", "", "bytes", "brotli");
    for (name, path) in files(&dist())? {
        let bytes = fs::read(&path)?;
        let compressed = npm::brotli(&bytes)?;
        println!("{name:<44} {:>9} {compressed:>9}", bytes.len());
        total += compressed;
    }
    println!("{:<44} {:>9} {total:>9} of {BUDGET}", "all", "");
    if total > BUDGET {
        bail!("the page weighs {total} bytes, more than the {BUDGET} that it may (`BUDGET` in xtask/src/web.rs)");
    }
    Ok(())
}

/// All files in a folder, by their names relative to it.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner).with_context(|| format!("cannot read `{}`", inner.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder)?.display().to_string(), path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Answer one request for a file of the page.
fn answer(mut stream: &TcpStream) -> io::Result<()> {
    const LONGEST: u64 = 16 * 1024;

    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream.take(LONGEST)).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut host = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("host")
        {
            host = Some(value.trim().to_owned());
        }
    }
    let (status, kind, body) = match file(&first, host.as_deref()) {
        Ok((path, kind)) => match fs::read(path) {
            Ok(body) => ("200 OK", kind, body),
            Err(_) => ("404 Not Found", "text/plain", b"there is no such file\n".to_vec()),
        },
        Err(status) => (status, "text/plain", format!("{status}\n").into_bytes()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nContent-Security-Policy: \
         {POLICY}\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: \
         no-cache\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    if !first.starts_with("HEAD ") {
        stream.write_all(&body)?;
    }
    stream.flush()
}

/// The file that a request line asks for and its type, or the status that refuses it.
fn file(request: &str, host: Option<&str>) -> Result<(PathBuf, &'static str), &'static str> {
    // A name that leads to this machine from outside is no way in.
    let name = host.and_then(|host| host.rsplit_once(':').map_or(Some(host), |(name, _)| Some(name)));
    if !matches!(name, Some("127.0.0.1" | "localhost")) {
        return Err("421 Misdirected Request");
    }
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !matches!(method, "GET" | "HEAD") {
        return Err("405 Method Not Allowed");
    }
    let path = target.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    if path.split('/').any(|part| part.is_empty() || part.starts_with('.')) || path.contains(['\\', '%', ':']) {
        return Err("404 Not Found");
    }
    let kind = match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    };
    Ok((dist().join(path), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(request: &str) -> Result<String, &'static str> {
        file(request, Some("127.0.0.1:4000"))
            .map(|(path, _)| path.strip_prefix(dist()).unwrap().display().to_string().replace('\\', "/"))
    }

    #[test]
    fn only_files_of_the_page_are_served() {
        assert_eq!(path("GET / HTTP/1.1"), Ok("index.html".to_owned()));
        assert_eq!(path("GET /assets/a.js?v=1 HTTP/1.1"), Ok("assets/a.js".to_owned()));
        for outside in ["/../Cargo.toml", "/a/../../b", "/%2e%2e/b", "/.git", "/c:/b", "/a\\..\\b"] {
            assert_eq!(path(&format!("GET {outside} HTTP/1.1")), Err("404 Not Found"), "{outside}");
        }
    }

    #[test]
    fn only_loopback_names_and_reading_are_answered() {
        assert_eq!(path("POST / HTTP/1.1"), Err("405 Method Not Allowed"));
        assert!(file("GET / HTTP/1.1", Some("localhost:4000")).is_ok());
        assert_eq!(file("GET / HTTP/1.1", Some("example.com")), Err("421 Misdirected Request"));
        assert_eq!(file("GET / HTTP/1.1", None), Err("421 Misdirected Request"));
    }

    #[test]
    fn the_page_says_the_same_policy() {
        let page = fs::read_to_string(folder().join("index.html")).unwrap();
        let own = POLICY.replace("; frame-ancestors 'none'", "");
        assert!(page.contains(&own), "`web/index.html` does not hold `{own}`");
    }
}
