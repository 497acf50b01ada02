//! Errors of calls.

use runai_spec::Report;
use runai_syntax::{ConvertError, EditError, SyntaxError, Tree};

use crate::report::{object, utf16_report};

/// The error of a call.
#[derive(Debug, Default)]
pub(crate) struct CallError<'t> {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) report: Option<Box<Tree<'t>>>,
}

impl<'t> CallError<'t> {
    /// Returns the error for invalid arguments.
    pub(crate) fn invalid(message: String) -> Self {
        let help = Some("see the types of the package".to_owned());
        Self { code: "invalid-argument", message, help, ..Self::default() }
    }

    pub(crate) fn tree(self) -> Tree<'t> {
        object([
            ("code", self.code.into()),
            ("message", self.message.into()),
            ("help", self.help.into()),
            ("path", self.path.into()),
            ("report", self.report.map_or(Tree::Null, |report| *report)),
        ])
    }
}

pub(crate) fn convert_error(text: &str, error: ConvertError) -> CallError<'static> {
    let (code, message, help) = (error.code(), error.to_string(), Some(error.help().to_owned()));
    let (path, report) = match error {
        ConvertError::NotInFormat { path, .. } => (Some(path), None),
        ConvertError::Unreadable { error, .. } => (None, Some(Box::new(syntax_report(text, error)))),
        _ => (None, None),
    };
    CallError { code, message, help, path, report }
}

pub(crate) fn edit_error(text: &str, error: EditError) -> CallError<'static> {
    let help = match &error {
        EditError::InvalidPointer { .. } => "write `/settings/gpu_portion_request`",
        error => error.help(),
    };
    let (code, message, help) = (error.code(), error.to_string(), Some(help.to_owned()));
    let (path, report) = match error {
        EditError::Aliased { path }
        | EditError::NoPlace { path }
        | EditError::NotAContainer { path }
        | EditError::NotInFormat { path, .. }
        | EditError::Unsafe { path } => (Some(path), None),
        EditError::Unreadable { error, .. } => (None, Some(Box::new(syntax_report(text, error)))),
        _ => (None, None),
    };
    CallError { code, message, help, path, report }
}

fn syntax_report(text: &str, error: SyntaxError) -> Tree<'static> {
    utf16_report(&[("document", text)], &Report::of_syntax_error(text, error), None, None)
}

pub(crate) fn unknown_name(word: &str, nearest: Option<String>) -> CallError<'static> {
    let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
    CallError { code: "unknown-name", message: format!("unknown name `{word}`"), help, ..CallError::default() }
}
