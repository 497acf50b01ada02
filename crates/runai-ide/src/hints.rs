//! Words that an editor shows inside the text: defaults in force, sizes in the other unit, what is not sent.

use std::ops::Range;

use runai_api::quantity::Amount;
use runai_spec::{Kind, Origin};

use crate::document::EditorDocument;
use crate::scan::{Entry, Outline};
use crate::schema;

/// A text that is shown behind a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlayHint {
    /// The byte before which it is shown.
    pub offset: usize,
    /// The text.
    pub label: String,
    /// More words, if there are any.
    pub tooltip: Option<String>,
}

/// Defaults that a hint names; the tooltip names all.
const MAX_DEFAULTS: usize = 4;

impl EditorDocument {
    /// Returns the hints inside `range`.
    #[must_use]
    pub fn inlay_hints(&self, range: &Range<usize>) -> Vec<InlayHint> {
        let outline = self.outline(None);
        let kind = self.kind(&outline);
        let mut hints = Vec::new();
        for entry in &outline.entries {
            if !entry.value.is_empty() {
                hints.extend(self.size(kind, entry));
                hints.extend(self.not_sent(kind, entry));
            }
        }
        hints.extend(self.defaults(kind, &outline));
        hints.retain(|hint| range.start <= hint.offset && hint.offset <= range.end);
        hints.sort_by_key(|hint| hint.offset);
        hints
    }

    /// A size in the other unit.
    fn size(&self, kind: Kind, entry: &Entry) -> Option<InlayHint> {
        let text = self.text().get(entry.value.clone())?.trim_matches(['"', '\'']);
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        schema::at(kind, &entry.pointer).filter(|node| node.text("x-unit") == Some("bytes"))?;
        let bytes = Amount::parse(text)?.to_f64();
        let is_binary = text.ends_with('i');
        let (step, units) = if is_binary { (1000.0, DECIMAL) } else { (1024.0, BINARY) };
        let mut size = bytes;
        let mut unit = 0;
        while size >= step && unit + 1 < units.len() {
            size /= step;
            unit += 1;
        }
        let rounded = format!("{size:.2}");
        let rounded = rounded.trim_end_matches('0').trim_end_matches('.');
        Some(InlayHint { offset: entry.value.end, label: format!("= {rounded} {}", units[unit]), tooltip: None })
    }

    fn not_sent(&self, kind: Kind, entry: &Entry) -> Option<InlayHint> {
        let path = schema::setting(kind, &entry.pointer)?;
        let is_it = |because: &str| because.ends_with("is not sent");
        let of_steps = self.document.inactive().iter().filter(|found| path.step.is_none() || found.step == path.step);
        let mut reasons = of_steps.map(|found| found.settings.iter().find(|own| own.path == path.pointer));
        // A block of a pipeline has several steps: it counts only if no step sends it.
        let first = reasons.next()??;
        let all = reasons.all(|reason| reason.is_some());
        (all && is_it(&first.because)).then(|| InlayHint {
            offset: entry.value.end,
            label: "not sent".to_owned(),
            tooltip: Some(first.because.clone()),
        })
    }

    /// The defaults in force, behind the key of each map of settings.
    fn defaults(&self, kind: Kind, outline: &Outline) -> Vec<InlayHint> {
        let is_map = |entry: &&Entry| match kind {
            Kind::Step => entry.pointer == "/settings",
            Kind::Zenml => schema::block(&entry.pointer).is_some_and(|(block, _)| block == entry.pointer),
            Kind::Operator | Kind::Settings => false,
        };
        outline.entries.iter().filter(is_map).filter_map(|entry| self.defaults_of(kind, entry)).collect()
    }

    fn defaults_of(&self, kind: Kind, entry: &Entry) -> Option<InlayHint> {
        let step = schema::block(&entry.pointer).and_then(|(_, step)| step).filter(|_| kind == Kind::Zenml);
        let view = self.step_view(step.as_deref())?;
        let defaults = view.map.members.iter().filter(|member| member.source == Origin::Default).filter_map(|member| {
            let setting = member.setting.as_deref()?;
            let node = schema::at(Kind::Settings, setting)?;
            // Only settings themselves, and those that have a default.
            (setting.rfind('/') == Some(0) && node.default().is_some()).then_some(())?;
            let value = view.body.pointer(&member.member)?;
            Some(format!("{}: {}", &setting[1..], value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        });
        let defaults: Vec<String> = defaults.collect();
        if defaults.is_empty() {
            return None;
        }
        let more = if defaults.len() > MAX_DEFAULTS { ", …" } else { "" };
        let label = format!("defaults: {}{more}", defaults[..defaults.len().min(MAX_DEFAULTS)].join(", "));
        // Behind the colon of a block, before the brace of a map on one line.
        let offset = self.text()[entry.key.end..].find(':').map_or(entry.key.end, |at| entry.key.end + at + 1);
        Some(InlayHint { offset, label, tooltip: Some(defaults.join("\n")) })
    }
}

const BINARY: &[&str] = &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const DECIMAL: &[&str] = &["B", "kB", "MB", "GB", "TB", "PB", "EB"];
