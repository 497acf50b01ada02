//! Fixes of single values and keys.

use runai_syntax::yaml::key_without_space;
use runai_syntax::{Entry, Node, Span, Text, Tree, Value};

use super::{KnownKeys, Place, Segment, Validator, node_of};
use crate::diagnostic::RawDiagnostic;
use crate::fix::values::Candidate;
use crate::fix::{Applicability, Change, FixPlan, Target, values};
use crate::help::MANY_VALUES;
use crate::resolve::SETTINGS_KEY;
use crate::setting_schema::{Kind, STEP_SETTINGS, SettingSchema, StringSchema, StructSchema};

impl Validator {
    /// Returns a validator for trial runs, whose diagnostics are not reported.
    fn probe(&self, probing: bool) -> Self {
        Self { zenml: self.zenml, probing, ..Self::default() }
    }

    /// Whether a value is valid for its schema.
    fn accepts(&self, value: &Tree<'static>, schema: &SettingSchema) -> bool {
        let mut probe = self.probe(true);
        let place = Place { parent: None, segment: Segment::Root(&[]), key_hints: |_| None };
        probe.value(&mut node_of(value, Span::default()), schema, &place)
            && !probe.diagnostics.iter().any(RawDiagnostic::is_error)
    }

    /// Returns the fixes that replace the value at `span` by the valid candidates.
    pub(super) fn replacements(
        &self,
        candidates: impl IntoIterator<Item = Candidate>,
        schema: &SettingSchema,
        span: Span,
        place: &Place<'_>,
    ) -> Vec<FixPlan> {
        if self.probing || schema.secret {
            return Vec::new();
        }
        let fits = candidates.into_iter().filter(|(value, _)| self.accepts(value, schema));
        let replace =
            |(value, applicability)| FixPlan::replace_value(Target::at(place.pointer(), span), value, applicability);
        let fixes: Vec<_> = fits.map(replace).collect();
        if fixes.is_empty() { self.placeholders(schema, span, place) } else { fixes }
    }

    /// Returns display-only fixes for a value whose intended meaning is unknown: an example value, and its removal.
    fn placeholders(&self, schema: &SettingSchema, span: Span, place: &Place<'_>) -> Vec<FixPlan> {
        let examples = match &schema.kind {
            Kind::Bool => vec![true.into(), false.into()],
            Kind::Enum(values) if values.len() <= MANY_VALUES => values.iter().copied().map(Tree::from).collect(),
            _ => vec![schema.example()],
        };
        let replace =
            |value| FixPlan::replace_value(Target::at(place.pointer(), span), value, Applicability::DisplayOnly);
        examples.into_iter().map(replace).chain(self.removal(span, place, Applicability::DisplayOnly)).collect()
    }

    /// Returns the fixes of a string or key with an invalid format.
    pub(super) fn text_fixes(
        &self,
        text: &str,
        schema: &StringSchema,
        span: Span,
        place: &Place<'_>,
        secret: bool,
    ) -> Vec<FixPlan> {
        let Some(text_type) = schema.text.filter(|_| !self.probing && !secret) else { return Vec::new() };
        let fits = |text: &str| {
            let length = text.chars().count();
            (text_type.matches)(text)
                && length >= schema.min_length
                && schema.max_length.is_none_or(|max| length <= max)
        };
        let candidates = values::of_text(text, text_type);
        let fitting = candidates.iter().filter_map(|(value, applicability)| {
            let value = value.as_str().filter(|value| fits(value) && *value != text)?;
            Some(match place.segment {
                Segment::KeyOf(_) => FixPlan::rename_key(span, text, value, *applicability),
                _ => FixPlan::replace_value(Target::at(place.pointer(), span), value.to_owned(), *applicability),
            })
        });
        let fixes: Vec<_> = fitting.collect();
        if !fixes.is_empty() || matches!(place.segment, Segment::KeyOf(_)) {
            return fixes;
        }
        let target = Target::at(place.pointer(), span);
        let example = FixPlan::replace_value(target, text_type.example, Applicability::DisplayOnly);
        std::iter::once(example).chain(self.removal(span, place, Applicability::DisplayOnly)).collect()
    }

    /// Returns the fix that removes a value, if it is an entry of a map.
    pub(super) fn removal(&self, span: Span, place: &Place<'_>, applicability: Applicability) -> Option<FixPlan> {
        let is_entry = matches!(place.segment, Segment::Entry(_) | Segment::Field(_)) && place.parent.is_some();
        (is_entry && !self.probing).then(|| FixPlan::remove(Target::at(place.pointer(), span), applicability))
    }

    /// Returns the fixes of a value of the wrong type.
    pub(super) fn wrong_type_fixes(
        &self,
        node: &Node<'_>,
        schema: &SettingSchema,
        unit: Option<&str>,
        place: &Place<'_>,
    ) -> Vec<FixPlan> {
        if self.probing {
            return Vec::new();
        }
        let mut fixes = Vec::new();
        match &node.value {
            Value::Null => fixes.extend(self.removal(node.span, place, Applicability::Safe)),
            // The parser joins the lines of a plain scalar, so only one line can be edited.
            Value::String(Text { text, plain: true })
                if matches!(schema.kind, Kind::Map { .. } | Kind::Struct(_))
                    && text.len() == (node.span.end - node.span.start) as usize =>
            {
                fixes.extend(key_without_space(text).map(|(key, value)| {
                    let entry = format!("{key}: {value}");
                    FixPlan::replace_text(node.span, entry.as_str(), format!("Write `{entry}`"), Applicability::Safe)
                }));
            }
            _ => {}
        }
        fixes.extend(self.replacements(values::of_other_type(&node.value, schema, unit), schema, node.span, place));
        fixes
    }

    /// Drops the fixes that remove the required value at `place`.
    pub(super) fn keep_required(&mut self, since: usize, place: &Place<'_>) {
        if self.diagnostics.len() == since {
            return;
        }
        let pointer = place.pointer();
        let is_removal =
            |fix: &FixPlan| matches!(&fix.changes[..], [Change::Remove(target)] if target.pointer == pointer);
        for fixes in self.diagnostics[since..].iter_mut().filter_map(RawDiagnostic::fixes_mut) {
            fixes.retain(|fix| !is_removal(fix));
        }
    }

    /// Returns the fixes of an unknown key.
    pub(super) fn unknown_key_fixes(
        &self,
        entry: &Entry<'_>,
        near: Option<&str>,
        known: &KnownKeys<'_>,
        structure: &StructSchema,
        holder: &Place<'_>,
        below_settings: bool,
    ) -> Vec<FixPlan> {
        if self.probing {
            return Vec::new();
        }
        let mut fixes = Vec::new();
        if let Some(near) = near {
            fixes.extend(self.rename(entry, near, structure, holder));
        }
        if below_settings {
            fixes.extend(self.move_below_settings(entry, holder));
        }
        let removal = match near {
            // Removal is safe for an ignored key that does not look like a misspelled one.
            None if structure.tolerant && known.all.nearest(&entry.key).is_none() => Applicability::Safe,
            Some(_) => Applicability::DisplayOnly,
            None => Applicability::Unsafe,
        };
        let place = holder.below(Segment::Field(&entry.key));
        if !below_settings {
            fixes.push(FixPlan::remove(Target::at(place.pointer(), entry.value.span), removal));
        }
        fixes
    }

    /// Returns the fix that renames a key and converts its value, if the value can be valid for the new key.
    fn rename(&self, entry: &Entry<'_>, near: &str, structure: &StructSchema, holder: &Place<'_>) -> Option<FixPlan> {
        let field = structure.field(near)?;
        let place = holder.below(Segment::Field(near));
        let mut probe = self.probe(false);
        let mut value = Node { value: entry.value.value.clone(), span: entry.value.span };
        probe.value(&mut value, &field.schema, &place);
        let applicability = if structure.tolerant { Applicability::Unsafe } else { Applicability::Safe };
        let mut plan = FixPlan::rename_key(entry.key_span, &entry.key, near, applicability);
        for error in probe.diagnostics.iter().filter(|found| found.is_error()) {
            let fix = error.fixes().first().filter(|fix| {
                fix.applicability != Applicability::DisplayOnly && matches!(&fix.changes[..], [Change::Set(..)])
            })?;
            plan.applicability = plan.applicability.max(fix.applicability);
            plan.changes.extend(fix.changes.iter().cloned());
        }
        Some(plan)
    }

    /// Returns the fix that moves a setting from the top level into `settings`.
    fn move_below_settings(&self, entry: &Entry<'_>, holder: &Place<'_>) -> Option<FixPlan> {
        let Kind::Struct(settings) = &STEP_SETTINGS.kind else { return None };
        let value = Tree::from(&entry.value).into_owned();
        self.accepts(&value, &settings.field(&entry.key)?.schema).then_some(())?;
        let from = Target::at(holder.below(Segment::Field(&entry.key)).pointer(), entry.value.span);
        let to = Target::at(format!("/{SETTINGS_KEY}/{}", entry.key), Span::default());
        let title = format!("Write `{}` below `{SETTINGS_KEY}`", entry.key);
        Some(FixPlan::new(title, Applicability::Safe, vec![Change::Remove(from), Change::Insert(to, value)]))
    }
}
