//! `runai-step render`

use runai_spec::settings::BaseUrl;
use runai_spec::{Context, Resolution, Step};

use crate::args::{BodyFormat, RenderArgs};
use crate::exit::Exit;
use crate::output;
use crate::sources::with_step;

/// Prints the request that would be sent for a step.
pub(crate) fn render(args: &RenderArgs) -> Exit {
    with_step(&args.file, &args.sources, args.step.as_deref(), |resolution, step| print(args, resolution, step))
}

fn print(args: &RenderArgs, resolution: &Resolution<'_>, step: &Step) -> Exit {
    let context = Context {
        name: args.name.clone(),
        project_id: args.project_id.clone(),
        cluster_id: args.cluster_id.clone(),
        ..Context::default()
    };
    let request = step.request(&context, None);
    let printed = if args.curl {
        let base_url = resolution.operator().and_then(|operator| operator.runai_base_url.as_ref());
        output::line(&request.to_curl(base_url.map(BaseUrl::trimmed)))
    } else {
        match args.format {
            BodyFormat::Json => output::json_pretty(&request.body),
        }
    };
    output::exit_of(&printed)
}
