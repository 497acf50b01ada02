//! The peer's process.

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

/// What the peer says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    id: usize,
    /// The gate that refused: `config`, `settings`, `merged` or `request`.
    pub(crate) refused_by: Option<String>,
    pub(crate) errors: Vec<PeerError>,
    pub(crate) body: Option<Value>,
}

/// An error of the peer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PeerError {
    pub(crate) loc: Vec<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
}

/// A running peer.
pub(crate) struct Peer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the peer under `python`; it keeps its files in `scratch`.
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
            _ => bail!("the peer has no pipes"),
        }
    }

    /// The answers to all cases, in their order.
    pub(crate) fn ask(&mut self, cases: &[Case]) -> Result<Vec<Answer>> {
        let lines: Vec<String> = cases.iter().enumerate().map(|(id, case)| case.question(id)).collect();
        self.ask_lines(&lines)
    }

    /// The answers to questions that are numbered from 0, one a line.
    pub(crate) fn ask_lines(&mut self, lines: &[String]) -> Result<Vec<Answer>> {
        let Self { child, questions, answers } = self;
        // Questions and answers pass each other: neither pipe holds all of them.
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
                // Nobody reads the other answers: the peer, and with it the writer, would wait for ever.
                let _ = child.kill();
            }
            match writer.join() {
                Ok(Ok(())) => read,
                Ok(Err(error)) => read.and(Err(error.into())),
                Err(_) => bail!("the questions were not written"),
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
            bail!("the peer ended at case {id}: {question}");
        }
        let answer: Answer = serde_json::from_str(&line)
            .with_context(|| format!("the peer answered `{}` to {}", line.trim_end(), question))?;
        if answer.id != id {
            bail!("the peer answered {} when asked {id}", answer.id);
        }
        read.push(answer);
    }
    Ok(read)
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has nothing to save; without this it would wait for questions for ever.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
