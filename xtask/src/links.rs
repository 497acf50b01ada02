//! Checks links between the repository's pages: the file and the heading must exist.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::workspace;

/// Checks the pages in the root folder and in `docs/`. Links to other hosts are ignored.
pub(crate) fn check() -> Result<()> {
    let root = workspace::root();
    let mut pages = HashMap::new();
    for folder in [root.clone(), root.join("docs")] {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
                pages.insert(path, Page::read(&text));
            }
        }
    }
    let mut problems: Vec<String> = pages
        .iter()
        .flat_map(|(path, page)| page.links.iter().filter_map(|link| problem(&pages, path, link)))
        .map(|problem| problem.replace(&format!("{}/", root.display()), ""))
        .collect();
    problems.sort();
    if !problems.is_empty() {
        bail!("broken links:\n  {}", problems.join("\n  "));
    }
    println!("checked {} links of {} pages", pages.values().map(|it| it.links.len()).sum::<usize>(), pages.len());
    Ok(())
}

/// The anchors and links of a page.
#[derive(Default)]
struct Page {
    /// Targets of links after `#`.
    anchors: HashSet<String>,
    /// Links and images in the repository.
    links: Vec<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    if let Some(heading) = heading.take() {
                        page.add_anchor(&slug(&heading));
                    }
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    let is_external = dest_url.contains("://") || dest_url.starts_with("mailto:");
                    if !is_external {
                        page.links.push(dest_url.into_string());
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// Adds an anchor; repeated headings are numbered.
    fn add_anchor(&mut self, slug: &str) {
        let numbered = (1..).map(|number| format!("{slug}-{number}"));
        let free = std::iter::once(slug.to_owned()).chain(numbered).find(|anchor| !self.anchors.contains(anchor));
        self.anchors.extend(free);
    }
}

/// Returns GitHub's anchor for a heading.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns the problem of a link on the page at `path`, if any.
fn problem(pages: &HashMap<PathBuf, Page>, path: &Path, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { path.to_owned() } else { resolve(path.parent()?, file) };
    if !target.exists() {
        return Some(format!("{}: `{link}`: file not found", path.display()));
    }
    let missing = anchor.filter(|anchor| pages.get(&target).is_some_and(|page| !page.anchors.contains(*anchor)))?;
    Some(format!("{}: `{link}`: no heading with the anchor `{missing}`", path.display()))
}

/// Resolves `file` relative to `folder`, without `..`.
fn resolve(folder: &Path, file: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for component in Path::new(file).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_match_github() {
        for (heading, anchor) in [
            ("unknown-key", "unknown-key"),
            ("What is sent", "what-is-sent"),
            ("crates/runai-sim, crates/runai-cli", "cratesrunai-sim-cratesrunai-cli"),
            ("gpu_devices_request", "gpu_devices_request"),
            ("Errors, by whose fault they are", "errors-by-whose-fault-they-are"),
        ] {
            assert_eq!(slug(heading), anchor);
        }
        let page = Page::read("# A\n\n## `A`\n\nText\n====\n\n```sh\n# no heading\n```\n");
        assert_eq!(page.anchors, ["a", "a-1", "text"].map(str::to_owned).into());
    }

    #[test]
    fn finds_broken_links() {
        let readme = workspace::root().join("README.md");
        let text = "# Licence\n[a](Cargo.toml) ![b](nothing.png) [c](#licence) [d](#licences) <https://example.com>\n";
        let page = Page::read(text);
        assert_eq!(page.links.len(), 4);
        let pages = HashMap::from([(readme.clone(), page)]);
        let found: Vec<_> = pages[&readme].links.iter().filter_map(|link| problem(&pages, &readme, link)).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("`nothing.png`: file not found"), "{}", found[0]);
        assert!(found[1].contains("the anchor `licences`"), "{}", found[1]);
    }

    #[test]
    fn repository_has_no_broken_links() {
        check().unwrap();
    }
}
