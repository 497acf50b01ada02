//! `runai-step render`

use runai_spec::Context;
use runai_spec::settings::BaseUrl;

use crate::args::{RenderArgs, ResultFormat};
use crate::config::sources::{Sources, choose};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Prints the request that creates a step's workload: its body as JSON or YAML, or a curl command.
pub(crate) fn render(args: &RenderArgs) -> Result<Exit, Failure> {
    let sources = Sources::read(&args.file, &args.sources, Vec::new())?;
    let resolution = sources.resolve(&args.sources)?;
    let step = choose(&resolution, args.sources.step.as_deref())?;
    let context = Context {
        name: args.name.clone(),
        project_id: args.project_id.clone(),
        cluster_id: args.cluster_id.clone(),
        ..sources.context(&args.sources, args.image.as_ref(), &args.command)
    };
    let printed = if args.curl {
        let base_url = resolution.operator().and_then(|operator| operator.runai_base_url.as_ref());
        output::line(&step.curl(&context, base_url.map(BaseUrl::trimmed)))
    } else {
        let body = step.body(&context);
        match args.format {
            ResultFormat::Human | ResultFormat::Json => output::line(&body),
            ResultFormat::Yaml => output::json_as_yaml(&body),
        }
    };
    Ok(output::exit_of(&printed))
}
