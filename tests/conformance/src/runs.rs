//! Compares ZenML's pipeline and compiler with the core on whole run configurations: verdicts and the bodies of all
//! steps.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use fastrand::Rng;
use runai_spec::{Kind, Resolver, Source};
use runai_syntax::Format;
use serde_json::{Map, Value, json};

use crate::{
    case::{Case, CaseKind, Found, Intent, context, raw, text},
    compare::{About, Disagreement, bodies},
    differences::explanations,
    reference::{Answer, Reference},
    shape::{self, Shape},
    values::{any_right, any_struct, pick, reconcile, wrong},
};

/// Failing texts to print; the rest is only counted.
const SHOWN: usize = 10;
/// Variables for placeholders; `MISSING` is not set.
const ENVIRONMENT: [(&str, &str); 5] =
    [("NUM", "2"), ("NAME", "abc"), ("YES", "yes"), ("MEMORY", "8Gi"), ("__ZENML__EXPORTED", "1")];
/// Scalars that YAML 1.1, YAML 1.2 and pydantic read differently.
const SPELLINGS: [&str; 40] = [
    "NO",
    "on",
    "Yes",
    "off",
    "y",
    "~",
    "null",
    "1_000",
    "1e3",
    "1.0e+3",
    "1.5e3",
    "0o4",
    "010",
    "08",
    "0x10",
    "0b11",
    "1:30",
    "12:30:45",
    "2024-01-01",
    "2024-01-01 10:00:00",
    "2024-13-01",
    ".5",
    "1.",
    ".inf",
    "-0",
    "+1",
    "true",
    "True",
    "\"2\"",
    "\" 1 \"",
    "\"1.0\"",
    "\"1_0\"",
    "\"yes\"",
    "\"T\"",
    "\"\"",
    "'0.5'",
    "[]",
    "{}",
    "=",
    "1.50",
];
const PLACEHOLDERS: [&str; 7] =
    ["\"${NUM}\"", "\"${NAME}\"", "\"${YES}\"", "\"${MEMORY}\"", "\"a-${NAME}-${NUM}\"", "\"${MISSING}\"", "\"$NAME\""];
const STEPS: [&str; 3] = ["load", "train", "report"];

/// A run configuration and the step operators of the stack: names, and whether they are Run:ai's.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) text: String,
    operators: Vec<(&'static str, bool)>,
    /// Pointers of blocks that no step uses.
    unused: Vec<String>,
}

/// Counts of configurations and verdicts.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) asked: usize,
    pub(crate) core: usize,
    pub(crate) reference: usize,
    pub(crate) bodies: usize,
}

/// Compares `count` generated configurations, and counts disagreements by the entry that explains them.
pub(crate) fn compare(seed: u64, count: usize, reference: &mut Reference, counts: &mut [usize]) -> Result<Tally> {
    let runs = generate(seed, count);
    let lines: Vec<String> = runs.iter().enumerate().map(|(id, run)| run.question(id)).collect();
    let answers = reference.ask_lines(&lines)?;
    let mut tally = Tally { asked: runs.len(), ..Tally::default() };
    let mut failures: Vec<(String, String)> = Vec::new();
    for (run, answer) in runs.iter().zip(&answers) {
        let case = run.case();
        let core = run.run_core();
        tally.core += usize::from(core.errors.is_empty());
        tally.reference += usize::from(answer.refused_by.is_none());
        tally.bodies += core.bodies.len();
        for about in disagreements(&core, answer) {
            let disagreement = Disagreement { case: &case, about };
            match explanations(&disagreement).as_slice() {
                [entry] => counts[*entry] += 1,
                _ => failures.push((disagreement.sort(), format!("{}\n  {}", run.text, disagreement.words()))),
            }
        }
    }
    failures.sort();
    failures.dedup_by(|one, other| one.0 == other.0);
    for (sort, words) in failures.iter().take(SHOWN) {
        println!("\n{sort}, for example\n{words}");
    }
    if !failures.is_empty() {
        bail!(
            "{} sorts of disagreements about run configurations have not one entry that explains them",
            failures.len()
        );
    }
    Ok(tally)
}

/// The core's result.
struct CoreResult {
    errors: Vec<Found>,
    /// Bodies by step.
    bodies: Map<String, Value>,
}

/// Returns all disagreements.
fn disagreements<'a>(core: &'a CoreResult, answer: &'a Answer) -> Vec<About<'a>> {
    match (core.errors.as_slice(), answer.body.as_ref().and_then(Value::as_object)) {
        ([], None) => {
            let gate = answer.refused_by.as_deref().unwrap_or_default();
            answer.errors.iter().map(|error| About::ReferenceRejects(gate, error)).collect()
        }
        ([], Some(reference)) => {
            let of_step = |(step, body): (&String, &'a Value)| match core.bodies.get(step) {
                Some(own) => bodies(own, body),
                None => Vec::new(),
            };
            let mut found: Vec<About<'a>> = reference.iter().flat_map(of_step).collect();
            for (step, body) in &core.bodies {
                if !reference.contains_key(step) {
                    let path = format!("/{step}");
                    found.push(About::Body { path, core: Some(body.clone()), reference: None, body: &Value::Null });
                }
            }
            found
        }
        (errors, Some(_)) => errors.iter().map(About::CoreRejects).collect(),
        (_, None) => Vec::new(),
    }
}

impl Run {
    fn question(&self, id: usize) -> String {
        let context = context();
        let context = json!({
            "name": context.name, "image": context.image, "command": context.command,
            "project_id": context.project_id, "cluster_id": context.cluster_id,
        });
        let environment: Map<String, Value> =
            ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let operators: Vec<Value> =
            self.operators.iter().map(|(name, core)| json!([name, if *core { "runai" } else { "other" }])).collect();
        json!({"id": id, "run": self.text, "environ": environment, "components": operators, "context": context})
            .to_string()
    }

    /// Returns the case for the table of differences.
    fn case(&self) -> Case {
        Case {
            name: "run configuration".to_owned(),
            intent: Intent::Open,
            kind: CaseKind::Run,
            document: Value::Null,
            operator: None,
            paths: self.unused.clone(),
        }
    }

    fn run_core(&self) -> CoreResult {
        let variables: Vec<(String, String)> =
            ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let source = Source { name: "run.yaml", text: &self.text, format: Format::Yaml };
        let resolution = Resolver::new(source).kind(Kind::Zenml).process_environment(&variables).resolve();
        let found = |finding: &runai_spec::RawDiagnostic| {
            let written = self.text.get(finding.span.start as usize..finding.span.end as usize).unwrap_or_default();
            Found {
                code: finding.rule.code.to_owned(),
                path: finding.path.clone(),
                value: Some(scalar(written)),
                message: finding.message.clone(),
            }
        };
        let errors: Vec<Found> =
            resolution.diagnostics().iter().filter(|finding| finding.is_error()).map(found).collect();
        let mut bodies = Map::new();
        for name in resolution.step_names() {
            if let Some(step) = resolution.step_named(name) {
                let body = serde_json::to_value(step.render(&context()));
                bodies.insert(name.to_owned(), body.unwrap_or_else(|error| panic!("a body is JSON: {error}")));
            }
        }
        CoreResult { errors, bodies }
    }
}

/// Returns a scalar in the form that the table expects.
fn scalar(written: &str) -> Value {
    let number = written.trim_start_matches(['-', '+']);
    match written {
        "" | "~" | "null" => Value::Null,
        _ if number.eq_ignore_ascii_case(".inf") => raw("inf"),
        _ if number.starts_with(|c: char| c.is_ascii_digit()) => raw(&written.replace('_', "")),
        _ => Value::String(written.to_owned()),
    }
}

/// Returns hand-written configurations.
fn written() -> Vec<Run> {
    const TWO: [(&str, bool); 2] = [("main", true), ("big", true)];
    let one = |text: &str| Run { text: text.to_owned(), operators: vec![("runai", true)], unused: Vec::new() };
    vec![
        // A block that no step uses, which the SDK's models do not validate.
        Run {
            text: "steps: {train: {step_operator: main, settings: {step_operator:big: {node_type: ''}}}}\n".to_owned(),
            operators: TWO.to_vec(),
            unused: vec!["/steps/train/settings/step_operator:big".to_owned()],
        },
        one("steps: {train: {step_operator.runai: {node_type: a}}}\n"),
        one(
            "settings: {step_operator: {cpu_memory_request: 8Gi}}\nsteps: {train: {settings: {step_operator: {node_type: a}}}}\n",
        ),
        one(
            "a: &a {cpu_core_request: 1}\nb: &b {cpu_core_request: 8}\nsettings: {step_operator: {<<: *a, <<: *b}}\nsteps: {train: {}}\n",
        ),
        one(
            "a: &a {cpu_core_request: 1}\nb: &b {cpu_core_request: 8}\nsettings: {step_operator: {<<: [*a, *b]}}\nsteps: {train: {}}\n",
        ),
        one(
            "steps:\n  train:\n    settings:\n      step_operator:\n        gpu_devices_request: ${NUM}\n        cpu_memory_request: ${MEMORY}\n",
        ),
        one("settings: {step_operator: {cpu_core_request: x, cpu_core_request: 2}}\nsteps: {train: {}, train: {}}\n"),
        one("run_name:\tx\nsteps: {}\n"),
        one("run_name: a\u{7f}b\nsteps: {}\n"),
    ]
}

/// Returns hand-written configurations, then generated ones.
pub(crate) fn generate(seed: u64, count: usize) -> Vec<Run> {
    let mut generator =
        Generator { rng: Rng::with_seed(seed), settings: shape::settings(), used: Vec::new(), unused: Vec::new() };
    let generated = (0..count).map(|_| generator.run()).collect::<Vec<_>>();
    written().into_iter().chain(generated).collect()
}

struct Generator {
    rng: Rng,
    settings: Shape,
    /// Operators that steps of the current configuration use.
    used: Vec<&'static str>,
    /// Pointers of blocks that no step uses.
    unused: Vec<String>,
}

impl Generator {
    fn run(&mut self) -> Run {
        let several = self.rng.u8(..4) == 0;
        let mut operators = if several { vec![("main", true), ("big", true)] } else { vec![("runai", true)] };
        if self.rng.bool() {
            operators.push(("other", false));
        }
        self.used.clear();
        self.unused.clear();
        let mut text = String::new();
        if self.rng.u8(..40) == 0 {
            let _ = writeln!(text, "enable_cache: {}", self.any_spelling());
        }
        if self.rng.u8(..40) == 0 {
            let _ = writeln!(text, "run_name: {}", self.any_spelling());
        }
        if self.rng.u8(..4) == 0 {
            let _ = writeln!(text, "environment: {}", self.environment());
        }
        let pipeline =
            if self.rng.u8(..3) > 0 { self.settings_map(several, true, "main", "/settings") } else { String::new() };
        if !pipeline.is_empty() {
            let _ = writeln!(text, "settings: {pipeline}");
        }
        if self.rng.u8(..24) == 0 {
            text += pick(
                &[
                    "unknown: 1\n",
                    "tags: [a, b]\n",
                    "tags: a\n",
                    "extra: {1: a}\n",
                    "parameters: {a: 1}\n",
                    "steps: [a]\n",
                ],
                &mut self.rng,
            );
        }
        if !text.contains("steps:") {
            text += "steps:\n";
            for step in STEPS {
                let body = self.step(step, several);
                let _ = writeln!(text, "  {step}: {body}");
            }
        }
        if several {
            for operator in ["big", "main"].into_iter().filter(|operator| !self.used.contains(operator)) {
                self.unused.push(format!("/settings/step_operator:{operator}"));
            }
            if !self.used.contains(&"main") {
                self.unused.push("/settings/step_operator".to_owned());
            }
        }
        Run { text, operators, unused: self.unused.clone() }
    }

    fn step(&mut self, name: &str, several: bool) -> String {
        if self.rng.u8(..60) == 0 {
            return pick(
                &["null", "[]", "abc", "{settings: null}", "{settings: []}", "{environment: null}"],
                &mut self.rng,
            )
            .to_owned();
        }
        let mut parts = Vec::new();
        let operator = if several { pick(&["main", "big", "big"], &mut self.rng) } else { "runai" };
        match self.rng.u8(..6) {
            // No file contains the stack's default operator.
            0 if !several => parts.push("step_operator: true".to_owned()),
            1 if !several => {}
            2 if !several && self.rng.u8(..4) == 0 => {
                let wrong = pick(&["false", "1.5", "[a]", "{gpu_devices_request: 1}", "1", "0"], &mut self.rng);
                parts.push(format!("step_operator: {wrong}"));
            }
            _ => parts.push(format!("step_operator: {operator}")),
        }
        self.used.push(operator);
        if self.rng.bool() {
            let settings = self.settings_map(several, false, operator, &format!("/steps/{name}/settings"));
            parts.push(format!("settings: {settings}"));
        }
        if self.rng.u8(..4) == 0 {
            parts.push(format!("environment: {}", self.environment()));
        }
        if self.rng.u8(..40) == 0 {
            parts.push(format!("enable_cache: {}", self.any_spelling()));
        }
        if self.rng.u8(..24) == 0 {
            let odd = [
                "bogus: 1",
                "setting: {}",
                "parameters: {a: 1}",
                "parameters: [a]",
                "extra: {on: 1}",
                "step_operator.runai: {node_type: a}",
            ];
            parts.push(pick(&odd, &mut self.rng).to_owned());
        }
        format!("{{{}}}", parts.join(", "))
    }

    /// Returns a map of settings. With several Run:ai operators, blocks have names, and the default is `main`.
    fn settings_map(&mut self, several: bool, pipeline: bool, operator: &str, place: &str) -> String {
        let mut entries = Vec::new();
        if several {
            for key in ["step_operator:big", "step_operator:main"] {
                if self.rng.bool() {
                    entries.push(format!("{key}: {}", self.block()));
                }
                if !pipeline && !key.ends_with(operator) {
                    self.unused.push(format!("{place}/{key}"));
                }
            }
            // With a block for `big`, the default operator must be another one.
            if pipeline && entries.len() == 1 && entries[0].starts_with("step_operator:big") && self.rng.bool() {
                entries.push(format!("step_operator: {}", self.block()));
            }
        } else {
            let key = pick(
                &["step_operator", "step_operator.runai", "step_operator:runai", "\"step_operator\""],
                &mut self.rng,
            );
            entries.push(format!("{key}: {}", self.block()));
            if self.rng.u8(..60) == 0 {
                let other = pick(&["step_operator", "step_operator.runai"], &mut self.rng);
                // With a named block, the default operator is another one, which this stack does not have.
                if !key.contains(':') && key.trim_matches('"') != other {
                    entries.push(format!("{other}: {}", self.block()));
                }
            }
        }
        if self.rng.u8(..16) == 0 {
            let others = [
                "step_operator.other: {instance_type: large}",
                "step_operator:other: {instance_type: large}",
                "step_operator.run_ai: {node_type: a}",
                "docker: {requirements: [torch]}",
                "orchestrator: {a: 1}",
                "step_operators: {}",
                "step-operator.runai: {}",
                "docker: [a]",
                "resources: {gpu_count: 1}",
                "1: {}",
                "step_operator.: {}",
            ];
            entries.push(pick(&others, &mut self.rng).to_owned());
        }
        format!("{{{}}}", entries.join(", "))
    }

    /// Returns the settings of a block, most of them valid.
    fn block(&mut self) -> String {
        if self.rng.u8(..120) == 0 {
            return pick(&["null", "[]", "abc", "1", "{}", "{gpu_portion: 0.5}", "{1: a}", "{on: a}"], &mut self.rng)
                .to_owned();
        }
        let mut settings = loop {
            if let Value::Object(settings) = any_struct(self.settings.fields(), &mut self.rng, 24) {
                break settings;
            }
        };
        reconcile(&mut settings);
        if self.rng.u8(..60) == 0 {
            let fields = self.settings.fields();
            let field = pick(fields, &mut self.rng);
            let (_, value) = pick(&wrong(&field.shape), &mut self.rng);
            settings.insert(field.name.clone(), value);
        }
        let mut entries: Vec<String> = settings.iter().map(|(key, value)| format!("{key}: {}", text(value))).collect();
        if self.rng.u8(..8) == 0 {
            let fields = self.settings.fields();
            let field = pick(fields, &mut self.rng);
            if !settings.contains_key(&field.name) {
                let spelling = self.any_spelling();
                entries.push(format!("{}: {spelling}", field.name));
            }
        }
        if self.rng.u8(..30) == 0 {
            // A duplicate key; the last value counts.
            let fields = self.settings.fields();
            let field = pick(fields, &mut self.rng);
            if settings.contains_key(&field.name) {
                let earlier = any_right(&field.shape, &mut self.rng);
                entries.insert(0, format!("{}: {}", field.name, text(&earlier)));
            }
        }
        if self.rng.u8(..30) == 0 && !settings.contains_key("labels") {
            entries.push(format!(
                "labels: {{team: {}, {}: x}}",
                self.any_spelling(),
                pick(&["a", "on", "\"${NAME}\"", "1"], &mut self.rng)
            ));
        }
        format!("{{{}}}", entries.join(", "))
    }

    fn environment(&mut self) -> String {
        if self.rng.u8(..60) == 0 {
            return pick(&["[A=b]", "abc", "{on: a}", "{1: a}", "{}"], &mut self.rng).to_owned();
        }
        let mut entries = Vec::new();
        for name in ["ALPHA", "BETA", "GAMMA"] {
            if self.rng.bool() {
                let value = if self.rng.u8(..4) > 0 { "text".to_owned() } else { self.any_spelling() };
                entries.push(format!("{name}: {value}"));
            }
        }
        format!("{{{}}}", entries.join(", "))
    }

    fn any_spelling(&mut self) -> String {
        let all: &[&str] = if self.rng.u8(..4) == 0 { &PLACEHOLDERS } else { &SPELLINGS };
        pick(all, &mut self.rng).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_is_deterministic() {
        let texts = |seed| generate(seed, 200).into_iter().map(|run| run.text).collect::<Vec<_>>();
        assert_eq!(texts(3), texts(3));
        assert_ne!(texts(3), texts(4));
    }

    #[test]
    fn generates_valid_and_invalid_configurations() {
        let right = generate(7, 300).iter().filter(|run| run.run_core().errors.is_empty()).count();
        assert!((60..240).contains(&right), "{right}");
    }
}
