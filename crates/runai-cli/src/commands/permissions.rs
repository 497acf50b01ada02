//! `runai-step permissions`: shows the permissions that the service account needs.

use std::collections::HashMap;
use std::fmt::Write as _;

use runai_api::permissions::Permissions;
use runai_spec::permissions::permissions;
use runai_spec::{Kind, Resolver, Source};
use runai_syntax::Format;

use crate::args::{ConnectArgs, PermissionsArgs};
use crate::config;
use crate::config::connect::{Connection, operator_settings};
use crate::config::input::Input;
use crate::config::sources::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime::block_on;

/// Name of the role in `--role-json`.
const ROLE: &str = "runai-step";

/// Prints the permissions, or the role.
pub(crate) fn print(args: &PermissionsArgs) -> Result<Exit, Failure> {
    let needed = match &args.file {
        Some(file) => {
            let sources = Sources::read(file, &args.sources, args.connect.overrides())?;
            permissions(&sources.resolve(&args.sources)?)
        }
        None => of_every_step(config::operator_file(args.sources.config.config.as_deref())?.as_ref(), &args.connect)?,
    };
    let printed = if args.role_json {
        let ids = if args.lookup { ids(args)? } else { HashMap::new() };
        let role = needed.role_request(ROLE, |name| ids.get(name).cloned());
        let missing = needed.sets().iter().filter(|set| !ids.contains_key(set.name)).count();
        if missing > 0 {
            output::status(if args.lookup {
                "some permission sets do not exist on this control plane: see `GET /api/v1/authorization/permission-sets`"
            } else {
                "fill in the IDs of the permission sets, or look them up with `--lookup`"
            });
        }
        output::status("permission sets are broader than needed: the set for trainings also allows deletion");
        output::json_pretty(&role)
    } else {
        output::result(args.format, &needed, || output::line(text(&needed).trim_end()))
    };
    Ok(output::exit_of(&printed))
}

/// Returns the permissions of a step without settings, with the defaults of the operator file.
pub(crate) fn of_every_step(operator: Option<&Input>, connect: &ConnectArgs) -> Result<Permissions, Failure> {
    let overrides: Vec<_> = config::overrides().into_iter().chain(connect.overrides()).collect();
    let nothing = Source { name: "settings", text: "{}", format: Format::Json };
    let mut resolver = Resolver::new(nothing).kind(Kind::Settings);
    if let Some(operator) = operator {
        resolver = resolver.operator(operator.source()?);
    }
    for one in &overrides {
        resolver = resolver.operator_value(&one.name, one.key, &one.value);
    }
    let resolution = resolver.resolve();
    if resolution.has_errors() {
        // This reports the errors of the operator file.
        operator_settings(operator, &overrides)?;
    }
    Ok(permissions(&resolution))
}

/// Returns the IDs of permission sets by name.
fn ids(args: &PermissionsArgs) -> Result<HashMap<String, String>, Failure> {
    let connection = Connection::open(&args.sources.config, &args.connect, Vec::new())?;
    let mut ids = HashMap::new();
    block_on(async {
        let sets = connection.with_timeout(async { Ok(connection.client().permission_sets().await?) }).await?;
        ids.extend(sets.into_iter().map(|set| (set.name, set.id)));
        Ok(Exit::Success)
    })?;
    Ok(ids)
}

fn text(needed: &Permissions) -> String {
    let rows = needed.needed.iter().map(|one| {
        let why = one.setting.map_or_else(|| "every step".to_owned(), |setting| format!("`{setting}`"));
        [format!("{} → {}", one.entity, one.action.as_str()), one.operation.to_owned(), why]
    });
    let mut text = output::table(["PERMISSION", "FOR", "BECAUSE OF"], rows);
    text.push_str("\n\nSmallest predefined role\n");
    for role in &needed.roles {
        let _ = write!(text, "  {:<16} {}", role.name, role.versions);
        if !role.uncertain.is_empty() {
            let _ = write!(text, "; check that it has {}", role.uncertain.join(", "));
        }
        text.push('\n');
    }
    text.push_str("  For a smaller custom role (2.24 and later), use `--role-json`. The set for trainings also allows deletion.\n");
    let project = needed.project.as_ref().map_or("the project".to_owned(), |project| format!("project `{project}`"));
    let role = needed.roles.first().map_or("the role", |role| role.name);
    let _ = write!(
        text,
        "\nScope\n  {project} only. A department, cluster or account scope grants access to other projects.\n\n\
         Set up\n  \
         1. Access → Service accounts → + NEW SERVICE ACCOUNT; save the secret, which is shown once.\n  \
         2. Access → Access rules → + ACCESS RULE: the service account, role {role}, scope {project}.\n  \
         3. Give the project quota in the node pools of its steps; without quota, workloads stay pending.\n  \
         4. For a private registry, create a Docker registry credential in the project and set `image_pull_secret_name`.\n"
    );
    text
}
