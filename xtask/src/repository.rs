//! What must not be in the repository, whoever commits it.

use std::{fs, io, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, command},
    words, workspace,
};

/// A clone is small, and a file that is larger is mostly generated: it belongs into a release.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The only source that Cargo.lock may name: it means crates.io, whatever mirror a machine uses.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Folders in which the work of a person or a CI machine lies.
const MACHINE_FOLDERS: [&str; 4] = ["Users", "home", "root", "work"];

/// What may follow: plain examples, and what is the same in every container of an image.
const EXAMPLE_NAMES: [&str; 12] =
    [".aws", ".cache", ".config", ".kube", ".ssh", "alice", "jovyan", "me", "my-folder", "myfolder", "user", "you"];

/// Look at every file that git has or would add.
pub(crate) fn check() -> Result<()> {
    let root = workspace::root();
    if !root.join(".git").exists() {
        println!("note: skipped, this is no git checkout");
        return Ok(());
    }
    let question = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let files = process::output(command("git").args(question))?;
    let mut problems = Vec::new();
    let mut count = 0;
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let path = root.join(file);
        match fs::symlink_metadata(&path) {
            // A link's target is looked at as a file of its own.
            Ok(metadata) if !metadata.is_file() => {}
            Ok(metadata) if metadata.len() > LARGEST_FILE => {
                problems.push(format!("{file}: {} bytes, more than {LARGEST_FILE}", metadata.len()));
            }
            Ok(_) => {
                let bytes = fs::read(&path).with_context(|| format!("cannot read `{file}`"))?;
                problems.extend(problems_in(&root, file, &String::from_utf8_lossy(&bytes)));
            }
            // Deleted, and not committed yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read `{file}`")),
        }
        count += 1;
    }
    if problems.is_empty() {
        println!("{count} files are fit to be committed");
        return Ok(());
    }
    bail!("the repository holds what it must not:\n  {}", problems.join("\n  "))
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
            report(&format!("`{path}` is a path on one machine"));
        } else if root.components().count() > 2 && root.to_str().is_some_and(|root| line.contains(root)) {
            report("the folder of this very checkout is named");
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

/// The first path on the line that can only be meant on a certain machine, such as one below a home folder.
fn machine_path(line: &str) -> Option<&str> {
    line.char_indices().filter(|(_, c)| matches!(c, '/' | '\\')).find_map(|(start, _)| {
        let before = &line[..start];
        // The middle of a longer path or of an address is no root.
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

    /// A path that stands in this file only in parts: the check looks at this file too.
    fn path(parts: &[&str]) -> String {
        format!("/{}", parts.join("/"))
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for parts in [&["home", "jane", "src"][..], &["work", "main"], &["root", ".cargo", "bin"], &["Users", "Jane"]] {
            let path = path(parts);
            assert_eq!(machine_path(&format!("see `{path}`, there")), Some(&*path));
            assert_eq!(machine_path(&format!("file://{path}")), Some(&*path));
        }
        let windows = [r"\Users", "Jane"].join(r"\");
        assert_eq!(machine_path(&format!("C:{windows}")), Some(&*windows));
    }

    #[test]
    fn examples_addresses_and_relative_paths_are_not() {
        let fine = [
            "cd /home/user/project",
            "path: /home/my-folder",
            "https://example.com/work/items",
            "crates/work/lib.rs",
            "/workspace/data and /home and /homes/",
            "/home/$USER/data",
            "$HOME/work/data",
        ];
        for line in fine {
            assert_eq!(machine_path(line), None, "{line}");
        }
    }

    #[test]
    fn the_checkout_itself_is_found_wherever_it_is() {
        let found = problems_in(Path::new("/srv/build-7/checkout"), "a.txt", "made in /srv/build-7/checkout/target");
        assert_eq!(found, ["a.txt:1: the folder of this very checkout is named"]);
    }

    #[test]
    fn lock_files_name_no_host() {
        let root = Path::new("/");
        let npm = "{\n  \"resolved\": \"https://mirror.example/a.tgz\"\n}";
        assert_eq!(problems_in(root, "web/package-lock.json", npm).len(), 1);
        assert!(problems_in(root, "web/other.json", npm).is_empty());

        let cargo = format!("source = \"{CRATES_IO}\"\nsource = \"git+https://example.com/a\"");
        let found = problems_in(root, "Cargo.lock", &cargo);
        assert_eq!(found, ["Cargo.lock:2: \"git+https://example.com/a\" is not crates.io"]);
    }
}
