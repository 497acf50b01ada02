//! `runai-step permissions`: the least that the service account has to be allowed.

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

/// Name of the role that `--role-json` makes.
const ROLE: &str = "runai-step";

/// Prints the permissions, or the role.
pub(crate) fn print(args: &PermissionsArgs) -> Result<Exit, Failure> {
    let needed = match &args.file {
        Some(file) => {
            let sources = Sources::read(file, &args.sources, args.connect.given())?;
            permissions(&sources.resolve(&args.sources)?)
        }
        None => of_every_step(config::operator_file(args.sources.config.config.as_deref())?.as_ref(), &args.connect)?,
    };
    let printed = if args.role_json {
        let ids = if args.lookup { ids(args)? } else { HashMap::new() };
        let role = needed.role_request(ROLE, |name| ids.get(name).cloned());
        let missing = needed.sets().iter().filter(|set| !ids.contains_key(set.name)).count();
        if missing > 0 {
            output::say(if args.lookup {
                "this control plane has no permission set of some of these names: see `GET /api/v1/authorization/permission-sets`"
            } else {
                "put in the ids of the permission sets, or let `--lookup` ask the control plane for them"
            });
        }
        output::say("permission sets are not that small: the one for trainings allows deleting, too");
        output::json_pretty(&role)
    } else {
        output::result(args.format, &needed, || output::line(text(&needed).trim_end()))
    };
    Ok(output::exit_of(&printed))
}

/// What every step needs, and the operator file asks for.
pub(crate) fn of_every_step(operator: Option<&Input>, connect: &ConnectArgs) -> Result<Permissions, Failure> {
    let given: Vec<_> = config::overrides().into_iter().chain(connect.given()).collect();
    let nothing = Source { name: "settings", text: "{}", format: Format::Json };
    let mut resolver = Resolver::new(nothing).kind(Kind::Settings);
    if let Some(operator) = operator {
        resolver = resolver.operator(operator.source()?);
    }
    for one in &given {
        resolver = resolver.operator_value(&one.name, one.key, &one.value);
    }
    let resolution = resolver.resolve();
    if resolution.has_errors() {
        // Told by what reads the file alone.
        operator_settings(operator, &given)?;
    }
    Ok(permissions(&resolution))
}

/// The ids of permission sets, by their names.
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
            let _ = write!(text, "; look there whether it has {}", role.uncertain.join(", "));
        }
        text.push('\n');
    }
    text.push_str("  A role of one's own from 2.24 on: `--role-json`. Sets are not that small: the one for trainings also deletes.\n");
    let project = needed.project.as_ref().map_or("the project".to_owned(), |project| format!("project `{project}`"));
    let role = needed.roles.first().map_or("the role", |role| role.name);
    let _ = write!(
        text,
        "\nScope\n  {project}, and nothing wider: a department, a cluster or the account would open projects that are none of its business.\n\n\
         Set up\n  \
         1. Access → Service accounts → + NEW SERVICE ACCOUNT; keep the secret, it is shown once.\n  \
         2. Access → Access rules → + ACCESS RULE: the service account, role {role}, scope {project}.\n  \
         3. See that the project has quota in the node pools that steps name, or they wait for ever.\n  \
         4. For a private registry, make a Docker registry credential in the project, and name it in `image_pull_secret_name`.\n"
    );
    text
}
