//! Checks and resolves ZenML run configurations as ZenML 0.98 does.
//!
//! ZenML parses a file with PyYAML, checks the keys of `PipelineRunConfiguration`, substitutes `${VAR}`, checks the keys of
//! settings and each block, and merges the steps' blocks over the pipeline's. Blocks of Run:ai step operators are checked
//! in full; for everything else only keys and types are checked.

pub(crate) mod keys;
mod keys_check;
mod lax;
mod merge;
pub(crate) mod placeholders;
mod python;

use std::collections::BTreeSet;

use runai_syntax::{Entry, Map, Node, Span, Text, Value, escape};

use crate::check::Validator;
use crate::diagnostic::{RawDiagnostic, Tag};
use crate::fix::{Applicability, FixPlan, Target};
use crate::resolve::{Layer, ResolveContext, SETTINGS_KEY, Step, in_settings, origins, overridden};
use crate::rules::{self, RuleContext, zenml as rule};
use crate::setting_schema;
use crate::settings::{Environment, EnvironmentValue, StepSettings};
use crate::source_map::StepPart;

pub(crate) use lax::converted;

use keys::{OTHER_FLAVORS, STEP_OPERATOR, Selector, is_of_other_flavor};

const ENVIRONMENT: &str = "environment";
const STEPS: &str = "steps";
/// ZenML adds environment variables with this prefix, without the prefix, to the environment of every step.
const EXPORTED_PREFIX: &str = "__ZENML__";

/// The path and value of an override.
type Assignment<'t> = (Vec<String>, Node<'t>);

/// The step operator that a step selects.
enum Operator<'n> {
    /// The operator of this name.
    Named(&'n str),
    /// No step operator: the step runs on the orchestrator.
    Off,
    /// The stack's default operator.
    StackDefault,
    /// The operator that the step's code selects.
    Unspecified,
}

/// The block of a Run:ai step operator.
struct Block<'n, 't> {
    selector: Selector<'n>,
    entry: &'n Entry<'t>,
}

/// A valid block.
struct Checked<'t> {
    layer: Layer<'t>,
    settings: StepSettings,
    /// Whether a value depends on variables that are not substituted yet.
    unresolved: bool,
}

/// The names of step operators in a run configuration.
struct Operators {
    names: BTreeSet<String>,
    /// Names of operators that are not the stack's default one, because it has a separate block.
    non_default: BTreeSet<String>,
}

impl<'t> ResolveContext<'t> {
    /// Checks a run configuration, and resolves each step that runs on a Run:ai step operator.
    pub(crate) fn zenml(&mut self, mut root: Node<'t>, layers: &[Layer<'t>], overrides: &[Assignment<'t>]) {
        self.run_configuration_keys(&root);
        self.substitute(&mut root);
        let Some(map) = root.as_map() else { return };
        let pipeline_settings = map.get(SETTINGS_KEY);
        let steps = map.get(STEPS).and_then(Node::as_map).map(|steps| steps.0.as_slice()).unwrap_or_default();
        let operators = Operators::of(pipeline_settings, steps);
        let (variables, overrides): (Vec<_>, Vec<_>) =
            overrides.iter().cloned().partition(|(path, _)| path.first().is_some_and(|key| key == ENVIRONMENT));

        let pipeline_environment = map.get(ENVIRONMENT);
        self.environment_rules(&root, "", pipeline_environment);
        let mut pipeline: Vec<(Selector<'_>, Checked<'t>)> = Vec::new();
        for Block { selector, entry } in blocks(pipeline_settings) {
            let below = layers.iter().map(|layer| layer.settings.clone()).reduce(merge::merge_over);
            let own = match below {
                Some(below) => {
                    self.ineffective_nulls(&below, &entry.value, &[SETTINGS_KEY, &entry.key]);
                    merge::merge_over(below, entry.value.clone())
                }
                None => entry.value.clone(),
            };
            if !layers.is_empty() {
                // A null keeps the lower value, but must be valid for the setting's type.
                self.errors_of_block(entry.value.clone(), &[SETTINGS_KEY, &entry.key]);
            }
            let mut places = origins(layers);
            places.push((entry.value.span, format!("/{SETTINGS_KEY}/{}", escape(&entry.key))));
            let checked = self.block(own, &places, &[SETTINGS_KEY, &entry.key]);
            pipeline.extend(checked.map(|checked| (selector, checked)));
        }
        for step in steps {
            let Some(step_map) = step.value.as_map() else { continue };
            let settings = step_map.get(SETTINGS_KEY);
            let base = format!("/{STEPS}/{}", escape(&step.key));
            self.environment_rules(&root, &base, step_map.get(ENVIRONMENT));
            let own_blocks = blocks(settings);
            let operator = Operator::of(step_map);
            let (name, runs) = match operator {
                Operator::Off => (None, false),
                Operator::Named(name) => (Some(name), !Operators::is_foreign(name, pipeline_settings, settings)),
                Operator::StackDefault => (operators.implied(&[]), true),
                Operator::Unspecified => (operators.implied(&own_blocks), true),
            };
            let own = select(own_blocks.iter().map(|block| (block.selector, block)), name, &operators);
            for Block { entry, .. } in &own_blocks {
                let pointer = [STEPS, &*step.key, SETTINGS_KEY, &*entry.key];
                if runs && own.is_some_and(|own| std::ptr::eq(own.entry, *entry)) {
                    self.errors_of_block(entry.value.clone(), &pointer);
                } else {
                    self.block(entry.value.clone(), &[], &pointer);
                }
            }
            if !runs {
                continue;
            }
            let below = select(pipeline.iter().map(|(selector, checked)| (*selector, checked)), name, &operators);
            let elsewhere = own.is_none() && has_other_flavor(settings);
            if own.is_none() && matches!(operator, Operator::Unspecified) && (below.is_none() || elsewhere) {
                continue;
            }
            self.zenml_step(step, own, below, layers, (&overrides, &variables), pipeline_environment);
        }
        if steps.is_empty() {
            for (_, checked) in pipeline {
                let (environment, _) = self.environment(pipeline_environment, None, &variables);
                let environments = [pipeline_environment, None];
                self.push(None, checked, (environment, environments, &variables), &overrides);
            }
        }
    }

    /// Merges a step's block over the lower layers, and resolves the step.
    fn zenml_step(
        &mut self,
        step: &Entry<'t>,
        own: Option<&Block<'_, 't>>,
        below: Option<&Checked<'t>>,
        layers: &[Layer<'t>],
        (overrides, variables): (&[Assignment<'t>], &[Assignment<'t>]),
        pipeline_environment: Option<&Node<'t>>,
    ) {
        let mut places = origins(layers);
        places.extend(below.map(|below| (below.layer.settings.span, below.layer.pointer.clone())));
        let lower = match below {
            Some(below) => below.layer.settings.clone(),
            None => match layers.iter().map(|layer| layer.settings.clone()).reduce(merge::merge_over) {
                Some(lower) => lower,
                None => Node { value: Value::Map(Map::default()), span: step.value.span },
            },
        };
        let pointer: Vec<&str> = match (own, below) {
            (Some(own), _) => vec![STEPS, &step.key, SETTINGS_KEY, &own.entry.key],
            (None, _) => vec![STEPS, &step.key],
        };
        let merged = match own {
            Some(Block { entry, .. }) => {
                places.insert(
                    0,
                    (
                        entry.value.span,
                        format!("/{}", pointer.iter().map(|key| escape(key)).collect::<Vec<_>>().join("/")),
                    ),
                );
                self.ineffective_nulls(&lower, &entry.value, &pointer);
                merge::merge_over(lower, entry.value.clone())
            }
            None => lower,
        };
        let Some(mut checked) = self.block(merged, &places, &pointer) else { return };
        checked.unresolved |= below.is_some_and(|below| below.unresolved);
        let own_environment = step.value.as_map().and_then(|step| step.get(ENVIRONMENT));
        let (environment, unresolved) = self.environment(pipeline_environment, own_environment, variables);
        checked.unresolved |= unresolved;
        let environments = [pipeline_environment, own_environment];
        self.push(Some(&step.key), checked, (environment, environments, variables), overrides);
    }

    /// Checks a block before it is merged, as ZenML does. Warnings are reported for the merged block only.
    fn errors_of_block(&mut self, own: Node<'t>, pointer: &[&str]) {
        let before = self.diagnostics.len();
        self.block(own, &[], pointer);
        let found = self.diagnostics.split_off(before);
        self.diagnostics.extend(found.into_iter().filter(RawDiagnostic::is_error));
    }

    /// Checks the map of settings at `pointer`.
    fn block(&mut self, own: Node<'t>, places: &[(Span, String)], pointer: &[&str]) -> Option<Checked<'t>> {
        let place = pointer.iter().fold(String::new(), |place, segment| place + "/" + &escape(segment));
        let mut root = own;
        // Other types are reported by `run_configuration_keys`.
        root.as_map()?;
        let mut validator = Validator { zenml: true, ..Validator::default() };
        let usable = validator.check(&mut root, &setting_schema::STEP_SETTINGS, pointer, in_settings);
        self.diagnostics.append(&mut validator.diagnostics);
        let settings: StepSettings = usable.then(|| self.typed(&root)).flatten()?;
        let invalid: Vec<_> =
            validator.invalid.iter().filter_map(|pointer| pointer.strip_prefix(&place).map(str::to_owned)).collect();
        let own_place = [(root.span, place.clone())];
        let mut context = RuleContext {
            sources: &self.sources,
            root: &root,
            base: "",
            invalid: &invalid,
            origins: if places.is_empty() { &own_place } else { places },
            diagnostics: &mut self.diagnostics,
            shared: true,
        };
        rules::check_settings(&settings, &mut context);
        rule::check_references(&root, &mut context);
        rules::step::unusual_characters(&mut context);
        rule::check_preemptibility(&settings, &mut context);
        Some(Checked { layer: Layer { settings: root, pointer: place }, settings, unresolved: validator.unresolved })
    }

    /// Adds a step. Overrides have the highest precedence.
    fn push(
        &mut self,
        block: Option<&str>,
        checked: Checked<'t>,
        (environment, written, variables): (Environment, [Option<&Node<'t>>; 2], &[Assignment<'t>]),
        overrides: &[Assignment<'t>],
    ) {
        let Checked { mut layer, mut settings, mut unresolved } = checked;
        if !overrides.is_empty() {
            let mut root = layer.settings;
            overridden(&mut root, overrides);
            let Some(checked) = self.block(root, &[], &[]) else { return };
            layer = checked.layer;
            settings = checked.settings;
            unresolved |= checked.unresolved;
        }
        self.parts.push(StepPart::of_zenml(layer.settings, written, variables));
        let image_pull_secret = self.image_pull_secret();
        self.steps.push(Step {
            name: block.map(str::to_owned),
            block: block.map(str::to_owned),
            image: None,
            command: None,
            environment,
            settings,
            image_pull_secret,
            unresolved,
        });
    }

    /// Reports nulls that look as if they unset a lower value.
    fn ineffective_nulls(&mut self, below: &Node<'t>, own: &Node<'t>, pointer: &[&str]) {
        let (Some(below), Some(own)) = (below.as_map(), own.as_map()) else { return };
        for entry in own.0.iter().filter(|entry| entry.value.value == Value::Null) {
            let Some(below) = below.get(&entry.key).filter(|below| below.value != Value::Null) else { continue };
            let path = pointer.iter().chain([&&*entry.key]).fold(String::new(), |path, key| path + "/" + &escape(key));
            let message = format!("`{}: null` does not unset the value of the pipeline or operator", entry.key);
            let diagnostic = RawDiagnostic::new(&rule::INEFFECTIVE_NULL, entry.value.span, message).at(&path);
            self.diagnostics.push(
                diagnostic
                    .with_help("write another value, or remove the key")
                    .with_related(below.span, format!("ZenML keeps this value of `{}`", entry.key))
                    .with_tag(Tag::Unnecessary)
                    .with_fix(FixPlan::remove(Target::at(path, entry.value.span), Applicability::Safe)),
            );
        }
    }

    /// Replaces placeholders. Without an environment, reports them as notes.
    fn substitute(&mut self, root: &mut Node<'t>) {
        let mut places = Vec::new();
        let Value::Map(map) = &root.value else { return };
        for entry in map.0.iter().filter(|entry| keys::is_run_key(&entry.key)) {
            placeholders::find(&entry.value, &format!("/{}", escape(&entry.key)), &mut places);
        }
        let environment = self.process_environment;
        let value = |name: &str| {
            let found = environment?.iter().find(|(known, _)| known == name)?;
            Some(found.1.clone())
        };
        for placeholders::Place { span, pointer, names } in places {
            let missing: Vec<_> =
                names.iter().filter(|name| value(name).is_none()).map(|name| format!("`{name}`")).collect();
            let diagnostic = match (environment, missing.as_slice()) {
                (Some(_), []) => continue,
                (Some(_), missing) => {
                    let (are, them) = if missing.len() == 1 { ("is", "it") } else { ("are", "them") };
                    let message = format!("{} {are} not set", missing.join(", "));
                    RawDiagnostic::new(&rule::MISSING_VARIABLE, span, message)
                        .with_help(format!("set {them} in the environment"))
                }
                (None, missing) => {
                    let message = format!("the value depends on the environment: {}", missing.join(", "));
                    RawDiagnostic::new(&rule::ENVIRONMENT_PLACEHOLDER, span, message)
                        .with_help("the value is checked when the step is rendered or submitted")
                }
            };
            self.diagnostics.push(diagnostic.at(pointer));
        }
        if environment.is_some() {
            placeholders::substitute(root, &value);
        }
    }

    /// Merges a step's environment over the pipeline's. Also returns whether a variable is unresolved.
    fn environment(
        &self,
        pipeline: Option<&Node<'t>>,
        step: Option<&Node<'t>>,
        overrides: &[Assignment<'t>],
    ) -> (Environment, bool) {
        let mut environment = Environment::default();
        for entry in pipeline.and_then(Node::as_map).into_iter().flat_map(|map| &map.0) {
            environment.0.insert(entry.key.to_string(), EnvironmentValue(python::str(&entry.value)));
        }
        for (name, value) in self.process_environment.into_iter().flatten() {
            if let Some(name) = name.strip_prefix(EXPORTED_PREFIX) {
                environment.0.entry(name.to_owned()).or_insert_with(|| EnvironmentValue(value.clone()));
            }
        }
        for entry in step.and_then(Node::as_map).into_iter().flat_map(|map| &map.0) {
            if let Some(text) = entry.value.as_str() {
                environment.0.insert(entry.key.to_string(), EnvironmentValue(text.to_owned()));
            }
        }
        let unresolved = self.process_environment.is_none()
            && environment.iter().any(|(name, value)| placeholders::has(name) || placeholders::has(value));
        for (path, value) in overrides {
            if let [_, name] = path.as_slice() {
                environment.0.insert(name.clone(), EnvironmentValue(python::str(value)));
            }
        }
        (environment, unresolved)
    }

    /// Applies the rules of environments to the one below `base`.
    fn environment_rules(&mut self, root: &Node<'t>, base: &str, environment: Option<&Node<'t>>) {
        let Some(map) = environment.and_then(Node::as_map) else { return };
        let known =
            |entry: &&Entry<'t>| !entry.value.as_str().is_some_and(placeholders::has) && !placeholders::has(&entry.key);
        let variable = |entry: &Entry<'t>| (entry.key.to_string(), EnvironmentValue(python::str(&entry.value)));
        let environment = Environment(map.0.iter().filter(known).map(variable).collect());
        let mut context = RuleContext {
            sources: &self.sources,
            root,
            base,
            invalid: &[],
            origins: &[],
            diagnostics: &mut self.diagnostics,
            shared: true,
        };
        rules::step::check(None, None, &environment, &mut context);
    }
}

impl<'n> Operator<'n> {
    fn of(step: &'n Map<'_>) -> Self {
        match step.get(STEP_OPERATOR).map(|node| &node.value) {
            Some(Value::String(Text { text, .. })) => Self::Named(text),
            Some(value) if lax::boolean(value) == Some(false) => Self::Off,
            Some(value) if lax::boolean(value) == Some(true) => Self::StackDefault,
            _ => Self::Unspecified,
        }
    }
}

impl Operators {
    fn of(pipeline: Option<&Node<'_>>, steps: &[Entry<'_>]) -> Self {
        let mut operators = Self { names: BTreeSet::new(), non_default: BTreeSet::new() };
        operators.add(pipeline);
        for step in steps {
            let Some(map) = step.value.as_map() else { continue };
            let settings = map.get(SETTINGS_KEY);
            operators.add(settings);
            if let Operator::Named(name) = Operator::of(map)
                && !Operators::is_foreign(name, pipeline, settings)
            {
                operators.names.insert(name.to_owned());
            }
        }
        operators
    }

    fn add(&mut self, settings: Option<&Node<'_>>) {
        let blocks = blocks(settings);
        let has_default = blocks.iter().any(|block| block.selector == Selector::Default);
        for block in blocks {
            if let Selector::Name(name) = block.selector {
                self.names.insert(name.to_owned());
                if has_default {
                    self.non_default.insert(name.to_owned());
                }
            }
        }
    }

    /// Whether the operator of this name is of another flavor.
    fn is_foreign(name: &str, pipeline: Option<&Node<'_>>, step: Option<&Node<'_>>) -> bool {
        let entries = || [pipeline, step].into_iter().flatten().filter_map(Node::as_map).flat_map(|map| &map.0);
        let of_name = |entry: &&Entry<'_>| Selector::of(&entry.key) == Some(Selector::Name(name));
        if let Some(block) = entries().find(of_name) {
            return block.value.as_map().is_some_and(is_of_other_flavor);
        }
        let of = |selector| {
            let settings = step.and_then(Node::as_map);
            settings.is_some_and(|map| map.0.iter().any(|entry| Selector::of(&entry.key) == Some(selector)))
        };
        let another = || OTHER_FLAVORS.contains(&name) || of(Selector::Default) || has_other_flavor(step);
        blocks(step).is_empty() && another()
    }

    /// Returns the operator of a step that selects none: that of the step's only block, or the only one in the file.
    fn implied<'n>(&'n self, own: &[Block<'n, '_>]) -> Option<&'n str> {
        match (own, self.names.first()) {
            ([Block { selector: Selector::Name(name), .. }], _) => Some(name),
            (_, Some(only)) if self.names.len() == 1 && !self.non_default.contains(only) => Some(only),
            _ => None,
        }
    }
}

fn blocks<'n, 't>(settings: Option<&'n Node<'t>>) -> Vec<Block<'n, 't>> {
    settings.and_then(Node::as_map).map(blocks_of).unwrap_or_default()
}

/// Returns the blocks of Run:ai step operators in a settings map.
fn blocks_of<'n, 't>(settings: &'n Map<'t>) -> Vec<Block<'n, 't>> {
    let entries = &settings.0;
    let block = |entry: &'n Entry<'t>| {
        let selector = Selector::of(&entry.key).filter(|selector| selector.may_be_runai())?;
        let map = entry.value.as_map()?;
        let foreign = !matches!(selector, Selector::Flavor(_)) && is_of_other_flavor(map);
        (!foreign).then_some(Block { selector, entry })
    };
    entries.iter().filter_map(block).collect()
}

/// Whether a settings map has a block of another flavor's step operator.
fn has_other_flavor(settings: Option<&Node<'_>>) -> bool {
    let entries = settings.and_then(Node::as_map).map(|map| map.0.as_slice()).unwrap_or_default();
    let of_another = |entry: &Entry<'_>| match Selector::of(&entry.key) {
        Some(selector) if !selector.may_be_runai() => true,
        Some(Selector::Flavor(_)) | None => false,
        Some(_) => entry.value.as_map().is_some_and(is_of_other_flavor),
    };
    entries.iter().any(of_another)
}

/// Returns the block that ZenML selects for an operator: by name, else by flavor, else the default one.
fn select<'n, T>(
    blocks: impl Iterator<Item = (Selector<'n>, T)> + Clone,
    name: Option<&str>,
    operators: &Operators,
) -> Option<T> {
    let rank = |selector: Selector<'_>| match selector {
        Selector::Name(own) => (name == Some(own)).then_some(0),
        Selector::Flavor(_) => Some(1),
        Selector::Default => name.is_none_or(|name| !operators.non_default.contains(name)).then_some(2),
    };
    let ranked = blocks.filter_map(|(selector, block)| Some((rank(selector)?, block)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, block)| block)
}
