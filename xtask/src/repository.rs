//! Checks for files and texts that must not be in the repository.

use std::{fs, io, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, command},
    words, workspace,
};

/// Maximum file size in bytes. Larger files are mostly generated and belong in a release.
const MAX_FILE_SIZE: u64 = 1024 * 1024;

/// The only allowed source in Cargo.lock. It means crates.io, also if the machine uses a mirror.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Top-level folders that contain the work of a user or a CI machine.
const MACHINE_FOLDERS: [&str; 4] = ["Users", "home", "root", "work"];

/// Allowed subfolders: example names, and paths that are the same in every container of an image.
const EXAMPLE_NAMES: [&str; 12] =
    [".aws", ".cache", ".config", ".kube", ".ssh", "alice", "jovyan", "me", "my-folder", "myfolder", "user", "you"];

/// Checks all tracked and untracked files that git does not ignore.
pub(crate) fn check() -> Result<()> {
    let root = workspace::root();
    if !root.join(".git").exists() {
        println!("note: skipped, not a git checkout");
        return Ok(());
    }
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let files = process::output(command("git").args(arguments))?;
    let mut problems = Vec::new();
    let mut count = 0;
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let path = root.join(file);
        match fs::symlink_metadata(&path) {
            // The target of a symbolic link is checked as its own file.
            Ok(metadata) if !metadata.is_file() => {}
            Ok(metadata) if metadata.len() > MAX_FILE_SIZE => {
                problems.push(format!("{file}: {} bytes, more than {MAX_FILE_SIZE}", metadata.len()));
            }
            Ok(_) => {
                let bytes = fs::read(&path).with_context(|| format!("cannot read `{file}`"))?;
                problems.extend(problems_in(&root, file, &String::from_utf8_lossy(&bytes)));
            }
            // Deleted but not committed yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read `{file}`")),
        }
        count += 1;
    }
    if problems.is_empty() {
        println!("{count} files checked");
        return Ok(());
    }
    bail!("forbidden content:\n  {}", problems.join("\n  "))
}

fn problems_in(root: &Path, file: &str, text: &str) -> Vec<String> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let cargo_lock = name == "Cargo.lock";
    let npm_lock = name.ends_with("-lock.json") || name == "npm-shrinkwrap.json";
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut report = |problem: &str| problems.push(format!("{file}:{}: {problem}", index + 1));
        if file != words::FILE {
            for problem in words::problems(line) {
                report(&problem);
            }
        }
        if let Some(path) = machine_path(line) {
            report(&format!("`{path}` is a path of a specific machine"));
        } else if root.components().count() > 2 && root.to_str().is_some_and(|root| line.contains(root)) {
            report("contains the path of this checkout");
        }
        if npm_lock && line.contains(r#""resolved": "http"#) {
            report("a lock file names a host (npm's `omit-lockfile-registry-resolved` leaves it out)");
        }
        if let Some(source) = line.strip_prefix("source = ").filter(|_| cargo_lock)
            && source.trim_matches('"') != CRATES_IO
        {
            report(&format!("{source} is not crates.io"));
        }
    }
    problems
}

/// Returns the first path on the line that is specific to a machine, such as one in a home folder.
fn machine_path(line: &str) -> Option<&str> {
    line.char_indices().filter(|(_, c)| matches!(c, '/' | '\\')).find_map(|(start, _)| {
        let before = &line[..start];
        // Within a longer path or a URL, the separator is not a root.
        let inside = before.ends_with(|c: char| c.is_alphanumeric() || "/\\.-_~}>*)".contains(c));
        if inside && !before.ends_with("file://") {
            return None;
        }
        let path = line[start..].split(|c: char| !(c.is_alphanumeric() || "/\\.-_@+".contains(c))).next()?;
        let mut parts = path[1..].split(['/', '\\']);
        let (folder, name) = (parts.next()?, parts.next()?);
        let machine = MACHINE_FOLDERS.contains(&folder) && !name.is_empty() && !EXAMPLE_NAMES.contains(&name);
        machine.then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joins a path, because the check also reads this file.
    fn path(parts: &[&str]) -> String {
        format!("/{}", parts.join("/"))
    }

    #[test]
    fn finds_machine_paths() {
        for parts in [&["home", "jane", "src"][..], &["work", "main"], &["root", ".cargo", "bin"], &["Users", "Jane"]] {
            let path = path(parts);
            assert_eq!(machine_path(&format!("see `{path}`, there")), Some(&*path));
            assert_eq!(machine_path(&format!("file://{path}")), Some(&*path));
        }
        let windows = [r"\Users", "Jane"].join(r"\");
        assert_eq!(machine_path(&format!("C:{windows}")), Some(&*windows));
    }

    #[test]
    fn ignores_example_paths_and_urls() {
        let allowed = [
            "cd /home/user/project",
            "path: /home/my-folder",
            "https://example.com/work/items",
            "crates/work/lib.rs",
            "/workspace/data and /home and /homes/",
            "/home/$USER/data",
            "$HOME/work/data",
        ];
        for line in allowed {
            assert_eq!(machine_path(line), None, "{line}");
        }
    }

    #[test]
    fn finds_path_of_checkout() {
        let found = problems_in(Path::new("/srv/build-7/checkout"), "a.txt", "made in /srv/build-7/checkout/target");
        assert_eq!(found, ["a.txt:1: contains the path of this checkout"]);
    }

    #[test]
    fn rejects_hosts_in_lock_files() {
        let root = Path::new("/");
        let npm = "{\n  \"resolved\": \"https://mirror.example/a.tgz\"\n}";
        assert_eq!(problems_in(root, "web/package-lock.json", npm).len(), 1);
        assert!(problems_in(root, "web/other.json", npm).is_empty());

        let cargo = format!("source = \"{CRATES_IO}\"\nsource = \"git+https://example.com/a\"");
        let found = problems_in(root, "Cargo.lock", &cargo);
        assert_eq!(found, ["Cargo.lock:2: \"git+https://example.com/a\" is not crates.io"]);
    }
}
