//! Chooses the credentials of a command: flags override variables, which override the operator file.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use runai_client::{ClientBuilder, SecretString, TokenCommand};
use runai_spec::settings::OperatorSettings;

use crate::args::ConnectArgs;
use crate::config::input::Input;
use crate::config::{self, operator_variable};
use crate::failure::Failure;
use crate::output;

/// The variable of the client secret. It has no flag, because other users can see command lines.
pub(crate) const SECRET_VARIABLE: &str = "RUNAI_CLIENT_SECRET";
/// The variable of a bearer token. It has no flag either.
pub(crate) const TOKEN_VARIABLE: &str = "RUNAI_TOKEN";

/// The credentials of a command. Their `Debug` shows no secret.
pub(crate) enum Credentials {
    /// A client secret.
    Secret(SecretString),
    /// The file of a client secret.
    SecretFile(PathBuf),
    /// A bearer token.
    Token(SecretString),
    /// A command that prints a bearer token.
    TokenCommand(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret",
            Self::SecretFile(_) => "SecretFile",
            Self::Token(_) => "Token",
            Self::TokenCommand(_) => "TokenCommand",
        })
    }
}

impl Credentials {
    /// Chooses the credentials, or `None` if there are none. `variable` reads the environment.
    pub(crate) fn choose(
        settings: &OperatorSettings,
        file: Option<&Input>,
        args: &ConnectArgs,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Failure> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let command_variable = operator_variable(COMMAND_KEY);
        let file_variable = operator_variable(SECRET_FILE_KEY);
        if let Some(command) = &args.token_command {
            return Ok(Some(Self::TokenCommand(command.clone())));
        }
        if let Some(path) = &args.client_secret_file {
            return Self::secret_file(path.clone()).map(Some);
        }
        let commands = file_command(settings, file, variable(&command_variable).is_some());
        if let Some(token) = variable(TOKEN_VARIABLE) {
            return Ok(Some(Self::Token(token.into())));
        }
        if let Some(command) = variable(&command_variable) {
            return Ok(Some(Self::TokenCommand(command)));
        }
        if let Some(secret) = variable(SECRET_VARIABLE) {
            return Ok(Some(Self::Secret(secret.into())));
        }
        if let Some(path) = variable(&file_variable) {
            return Self::secret_file(path.into()).map(Some);
        }
        if let Some(command) = commands {
            return Ok(Some(Self::TokenCommand(command.to_owned())));
        }
        if let Some(secret) = &settings.client_secret {
            return Ok(Some(Self::Secret(secret.expose().to_owned().into())));
        }
        let Some(path) = &settings.client_secret_file else { return Ok(None) };
        // A relative path of the operator file is relative to that file.
        let folder = file.and_then(|file| Path::new(&file.name).parent()).unwrap_or(Path::new(""));
        Self::secret_file(folder.join(path)).map(Some)
    }

    /// Checks that the file of a client secret is readable, so that an error is reported before any request.
    fn secret_file(path: PathBuf) -> Result<Self, Failure> {
        let secret_error = |why: String| {
            Failure::usage(format!("client secret file `{}` {why}", path.display()))
                .hint(format!("write only the secret to the file, or set `{SECRET_VARIABLE}`"))
        };
        let text = fs::read_to_string(&path).map_err(|problem| secret_error(format!("cannot be read: {problem}")))?;
        if text.trim().is_empty() { Err(secret_error("is empty".to_owned())) } else { Ok(Self::SecretFile(path)) }
    }

    /// Whether they also need the client id.
    pub(crate) const fn need_client_id(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::SecretFile(_))
    }

    /// Sets the credentials of a client.
    pub(crate) fn apply(self, builder: ClientBuilder, client_id: Option<&str>) -> Result<ClientBuilder, Failure> {
        let client_id = client_id.unwrap_or_default();
        Ok(match self {
            Self::Secret(secret) => builder.credentials(client_id, secret),
            Self::SecretFile(path) => builder.secret_file(client_id, path),
            Self::Token(token) => builder.token(token),
            Self::TokenCommand(line) => {
                // The command may contain a secret, so the message does not show it.
                let command = TokenCommand::split(&line).ok_or_else(|| {
                    Failure::usage("`token_command` is empty or has an unclosed quote")
                        .hint("write the program and its arguments, such as `runai-token --plain`")
                })?;
                builder.token_command(command)
            }
        })
    }
}

/// The token command of the operator file, if it may run. One in a file that was found upward from the working
/// directory may not: a cloned repository must not run commands.
fn file_command<'s>(settings: &'s OperatorSettings, file: Option<&Input>, is_overridden: bool) -> Option<&'s str> {
    let command = settings.token_command.as_deref().filter(|_| !is_overridden)?;
    let file = file?;
    if !file.found_upward {
        return Some(command);
    }
    output::warning(&format!(
        "`token_command` in `{0}` is ignored: the file was found upward from the working directory, and a cloned repository \
         must not run commands\nhint: to trust the file, name it: `--config {0}`; or move the key to {1}",
        file.name,
        config::user_folder().map_or("your user's operator file".to_owned(), |folder| {
            format!("`{}`", folder.join(config::FILE_NAMES[0]).display())
        })
    ));
    None
}

const COMMAND_KEY: &str = "token_command";
const SECRET_FILE_KEY: &str = "client_secret_file";

#[cfg(test)]
mod tests {
    use runai_syntax::Format;

    use super::*;

    fn operator_file(found_upward: bool) -> Input {
        Input { name: "runai-step.toml".to_owned(), format: Format::Toml, text: Ok(String::new()), found_upward }
    }

    fn chosen(
        settings: &OperatorSettings,
        found_upward: bool,
        args: &ConnectArgs,
        variables: &[(&str, &str)],
    ) -> Option<String> {
        let file = operator_file(found_upward);
        let variable = |name: &str| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        let credentials = Credentials::choose(settings, Some(&file), args, &variable).unwrap();
        credentials.map(|credentials| format!("{credentials:?}"))
    }

    #[test]
    fn flags_override_variables_and_file() {
        let file = OperatorSettings { token_command: Some("from-file".to_owned()), ..OperatorSettings::default() };
        let flag = ConnectArgs { token_command: Some("from-flag".to_owned()), ..ConnectArgs::default() };
        let none = ConnectArgs::default();
        let token = ("RUNAI_TOKEN", "not-a-real-token");
        let secret = ("RUNAI_CLIENT_SECRET", "not-a-real-secret");
        let command = ("RUNAI_TOKEN_COMMAND", "from-variable");
        for (args, variables, expected) in [
            (&flag, &[token, secret, command][..], "TokenCommand"),
            (&none, &[token, secret, command], "Token"),
            (&none, &[secret, command], "TokenCommand"),
            (&none, &[secret], "Secret"),
            (&none, &[("RUNAI_TOKEN", "")], "TokenCommand"),
            (&none, &[], "TokenCommand"),
        ] {
            assert_eq!(chosen(&file, false, args, variables).as_deref(), Some(expected), "{variables:?}");
        }
    }

    #[test]
    fn ignores_command_of_file_found_upward() {
        let file = OperatorSettings { token_command: Some("from-file".to_owned()), ..OperatorSettings::default() };
        assert_eq!(chosen(&file, true, &ConnectArgs::default(), &[]), None);
        let variables = [("RUNAI_TOKEN_COMMAND", "from-variable")];
        let file = OperatorSettings { token_command: Some("from-variable".to_owned()), ..file };
        assert_eq!(chosen(&file, true, &ConnectArgs::default(), &variables).as_deref(), Some("TokenCommand"));
    }
}
