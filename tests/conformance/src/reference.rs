//! The process of the reference implementation.

use std::{
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::case::Case;

/// The result of the reference implementation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    id: usize,
    /// The stage that rejected the document: `config`, `settings`, `merged` or `request`.
    pub(crate) refused_by: Option<String>,
    pub(crate) errors: Vec<PeerError>,
    pub(crate) body: Option<Value>,
}

/// An error of the reference implementation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PeerError {
    pub(crate) loc: Vec<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
}

/// A running reference.
pub(crate) struct Reference {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts `program` with `python`; its files are in `scratch`.
    pub(crate) fn start(python: &Path, program: &Path, scratch: &Path) -> Result<Self> {
        let mut child = Command::new(python)
            .arg("-B")
            .arg(program)
            .env("ZENML_CONFIG_PATH", scratch)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", python.display()))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(questions), Some(answers)) => Ok(Self { child, questions, answers: BufReader::new(answers) }),
            _ => bail!("missing pipes of the reference process"),
        }
    }

    /// Returns the results of all cases, in order.
    pub(crate) fn ask(&mut self, cases: &[Case]) -> Result<Vec<Answer>> {
        let lines: Vec<String> = cases.iter().enumerate().map(|(id, case)| case.question(id)).collect();
        self.ask_lines(&lines)
    }

    /// Returns the results of requests, one per line, which are numbered from 0.
    pub(crate) fn ask_lines(&mut self, lines: &[String]) -> Result<Vec<Answer>> {
        let Self { child, questions, answers } = self;
        // Write and read concurrently: the pipes have limited capacity.
        thread::scope(|scope| {
            let writer = scope.spawn(move || {
                let mut questions = BufWriter::new(questions);
                for line in lines {
                    writeln!(questions, "{line}")?;
                }
                questions.flush()
            });
            let read = read(answers, lines);
            if read.is_err() {
                // Without a reader, the process and the writer would block forever.
                let _ = child.kill();
            }
            match writer.join() {
                Ok(Ok(())) => read,
                Ok(Err(error)) => read.and(Err(error.into())),
                Err(_) => bail!("cannot write the requests"),
            }
        })
    }
}

fn read(answers: &mut impl BufRead, questions: &[String]) -> Result<Vec<Answer>> {
    let mut read = Vec::with_capacity(questions.len());
    let mut line = String::new();
    for (id, question) in questions.iter().enumerate() {
        line.clear();
        if answers.read_line(&mut line)? == 0 {
            bail!("the reference process exited at case {id}: {question}");
        }
        let answer: Answer = serde_json::from_str(&line)
            .with_context(|| format!("the reference process printed `{}` for {}", line.trim_end(), question))?;
        if answer.id != id {
            bail!("the reference process returned result {} for request {id}", answer.id);
        }
        read.push(answer);
    }
    Ok(read)
}

impl Drop for Reference {
    fn drop(&mut self) {
        // The process would wait for requests forever.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
