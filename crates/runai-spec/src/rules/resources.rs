//! Rules of GPU, CPU and memory.

use runai_api::quantity::Amount;
use runai_api::wire::GpuRequestType;
use runai_syntax::Tree;

use super::{Example, RuleContext, rules};
use crate::diagnostic::Tag;
use crate::fix::Applicability::{DisplayOnly, Unsafe};
use crate::inactive::{MEMORY_SETTINGS, PORTION_SETTINGS, unsent_gpu_settings};
use crate::settings::{Memory, StepSettings};

rules! {
    /// `gpu_request_type: memory` requires `gpu_memory_request`.
    MISSING_GPU_MEMORY {
        code: "missing-gpu-memory",
        severity: Error,
        summary: "`gpu_request_type: memory` without `gpu_memory_request`",
        valid: Example::Yaml("gpu_request_type: memory\ngpu_memory_request: 20Gi\n"),
        invalid: Example::Yaml("gpu_request_type: memory\n"),
    }

    /// A limit must be at least its request. The defaults count, too: `gpu_portion_request` is 1.0, `cpu_core_request` is 1.0
    /// and `cpu_memory_request` is 4G.
    LIMIT_BELOW_REQUEST {
        code: "limit-below-request",
        severity: Error,
        summary: "limit below request",
        valid: Example::Yaml("cpu_memory_request: 8Gi\ncpu_memory_limit: 16Gi\n"),
        invalid: Example::Yaml("cpu_memory_request: 8Gi\ncpu_memory_limit: 8G\n"),
    }

    /// The setting has no effect and is not sent. `gpu_portion_*` requires `gpu_request_type: portion`, `gpu_memory_*` requires
    /// `gpu_request_type: memory`, and both require a `gpu_devices_request` of at least 1.
    IGNORED_GPU_SETTING {
        code: "ignored-gpu-setting",
        severity: Warning,
        summary: "GPU setting without effect",
        valid: Example::Yaml("gpu_request_type: memory\ngpu_memory_request: 20Gi\n"),
        invalid: Example::Yaml("gpu_portion_request: 0.5\ngpu_memory_request: 20Gi\n"),
    }

    /// The API accepts a quantity of zero, but the step then has no guaranteed resources, or never starts.
    ZERO_QUANTITY {
        code: "zero-quantity",
        severity: Warning,
        summary: "zero quantity",
        valid: Example::Yaml("cpu_memory_request: 4G\n"),
        invalid: Example::Yaml("cpu_memory_request: 0G\n"),
    }

    /// A GPU fraction applies to each device: `0.5` with two devices is half of each GPU, not one whole GPU. Some control
    /// plane versions reject fractions of several devices.
    SHARE_OF_SEVERAL_GPUS {
        code: "share-of-several-gpus",
        severity: Warning,
        summary: "GPU fraction with several devices",
        valid: Example::Yaml("gpu_devices_request: 2\n"),
        invalid: Example::Yaml("gpu_devices_request: 2\ngpu_portion_request: 0.5\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    missing_gpu_memory(settings, context);
    number_limits(settings, context);
    memory_limits(settings, context);
    ignored_gpu_settings(settings, context);
    zero_quantities(settings, context);
    fractions_of_several(settings, context);
}

fn missing_gpu_memory(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    if settings.gpu_request_type == GpuRequestType::Memory
        && settings.gpu_memory_request.is_none()
        && !context.is_invalid(&["gpu_request_type", "gpu_memory_request"])
    {
        let message = "`gpu_request_type` is `memory`, but `gpu_memory_request` is not set".to_owned();
        context
            .report(&MISSING_GPU_MEMORY, "gpu_request_type", message)
            .with_help("add `gpu_memory_request`, such as `20Gi`, or remove `gpu_request_type`")
            .with_removal("gpu_request_type", Unsafe)
            .with_value("gpu_memory_request", "20Gi", DisplayOnly);
    }
}

fn number_limits(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    for (limit_key, limit, request_key, request) in [
        ("gpu_portion_limit", settings.gpu_portion_limit, "gpu_portion_request", settings.gpu_portion_request),
        ("cpu_core_limit", settings.cpu_core_limit, "cpu_core_request", settings.cpu_core_request),
    ] {
        if let Some(limit) = limit.filter(|limit| *limit < request) {
            report_limit(context, limit_key, &limit.to_string(), request_key, &request.to_string(), request.into());
        }
    }
}

fn memory_limits(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    for (limit_key, limit, request_key, request) in [
        ("gpu_memory_limit", &settings.gpu_memory_limit, "gpu_memory_request", settings.gpu_memory_request.as_ref()),
        ("cpu_memory_limit", &settings.cpu_memory_limit, "cpu_memory_request", Some(&settings.cpu_memory_request)),
    ] {
        if let (Some(limit), Some(request)) = (limit, request)
            && amount(limit) < amount(request)
        {
            let raised = request.as_str().trim_end().to_owned().into();
            report_limit(context, limit_key, limit.as_str(), request_key, request.as_str(), raised);
        }
    }
}

/// Reports a limit below its request. `raised` is the lowest valid limit.
fn report_limit(
    context: &mut RuleContext<'_, '_>,
    limit_key: &str,
    limit: &str,
    request_key: &str,
    request: &str,
    raised: Tree<'static>,
) {
    if context.is_invalid(&[limit_key, request_key]) {
        return;
    }
    let (limit, request) = (limit.trim_end(), request.trim_end());
    let origin = context.origin(request_key, limit_key);
    let message = format!("`{limit_key}` is `{limit}`, below `{request_key}`, which is `{request}`{origin}");
    context
        .report(&LIMIT_BELOW_REQUEST, limit_key, message)
        .with_help(format!("raise `{limit_key}` to `{request}` or more, or lower `{request_key}`"))
        .with_related(request_key, format!("`{request_key}` is `{request}`"))
        .with_value(limit_key, raised, Unsafe)
        .with_removal(limit_key, Unsafe);
}

fn ignored_gpu_settings(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    if context.is_invalid(&["gpu_devices_request", "gpu_request_type"]) {
        return;
    }
    let unsent = unsent_gpu_settings(settings);
    let because = unsent.decided_by;
    let (help, wanted): (_, Tree<'static>) = match unsent.value {
        "memory" => ("remove it, or write `gpu_request_type: portion`", "portion".into()),
        "portion" => ("remove it, or write `gpu_request_type: memory`", "memory".into()),
        _ => ("remove it, or request a device with `gpu_devices_request: 1`", 1.into()),
    };
    for key in unsent.keys.iter().copied() {
        let set = match key {
            "gpu_memory_request" => settings.gpu_memory_request.is_some(),
            "gpu_memory_limit" => settings.gpu_memory_limit.is_some(),
            "gpu_portion_limit" => settings.gpu_portion_limit.is_some(),
            _ => context.is_set(key),
        };
        if set && !context.is_invalid(&[key]) {
            let message = format!("`{key}` {}", unsent.because());
            // With another request type, other settings would have no effect.
            let others = match (because, settings.gpu_request_type) {
                ("gpu_devices_request", GpuRequestType::Portion) | (_, GpuRequestType::Memory) => MEMORY_SETTINGS,
                (_, GpuRequestType::Portion) => PORTION_SETTINGS,
            };
            let solved = !others.contains(&key) && !others.iter().any(|other| context.is_set(other));
            let without_amount = because == "gpu_request_type"
                && settings.gpu_request_type == GpuRequestType::Portion
                && settings.gpu_memory_request.is_none();
            let reported = context
                .report(&IGNORED_GPU_SETTING, key, message)
                .with_help(help)
                .with_related(because, format!("`{because}` is `{}`", unsent.value))
                .with_tag(Tag::Unnecessary);
            // `gpu_request_type: memory` requires the amount even with no device.
            let is_needed = key == "gpu_memory_request" && settings.gpu_request_type == GpuRequestType::Memory;
            let reported = if is_needed { reported } else { reported.with_unused_removal(key) };
            if solved && !without_amount {
                reported.with_value(because, wanted.clone(), Unsafe);
            }
        }
    }
}

fn zero_quantities(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    let memory = [
        ("gpu_memory_request", settings.gpu_memory_request.as_ref()),
        ("gpu_memory_limit", settings.gpu_memory_limit.as_ref()),
        ("cpu_memory_request", Some(&settings.cpu_memory_request)),
        ("cpu_memory_limit", settings.cpu_memory_limit.as_ref()),
    ];
    for (key, value) in memory {
        if let Some(value) = value.filter(|value| is_zero(value.as_str())) {
            report_zero(context, key, value.as_str());
        }
    }
    let shares = [
        ("gpu_portion_request", Some(settings.gpu_portion_request)),
        ("gpu_portion_limit", settings.gpu_portion_limit),
    ];
    for (key, value) in shares {
        if value == Some(0.0) {
            report_zero(context, key, "0.0");
        }
    }
    for (name, quantity) in settings.extended_resources.iter().flat_map(|resources| &resources.0) {
        if is_zero(quantity) {
            report_zero(context, &format!("extended_resources/{}", runai_syntax::escape(name)), quantity);
        }
    }
    for (index, mount) in settings.pvc_mounts.iter().flatten().enumerate() {
        if let Some(size) = mount.claim_info.as_ref().and_then(|claim| claim.size.as_ref())
            && is_zero(size.as_str())
        {
            report_zero(context, &format!("pvc_mounts/{index}/claim_info/size"), size.as_str());
        }
    }
}

fn report_zero(context: &mut RuleContext<'_, '_>, path: &str, value: &str) {
    if context.is_invalid(&[path]) || !context.is_set(path) {
        return;
    }
    let key = path.replace('/', ".");
    context
        .report(&ZERO_QUANTITY, path, format!("`{key}` is zero (`{}`)", value.trim_end()))
        .with_help("write the quantity that the step needs, or remove the key")
        .with_removal(path, Unsafe);
}

fn fractions_of_several(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    let devices = settings.gpu_devices_request;
    if devices < 2 || context.is_invalid(&["gpu_devices_request", "gpu_request_type"]) {
        return;
    }
    let (key, share) = match settings.gpu_request_type {
        GpuRequestType::Portion if settings.gpu_portion_request < 1.0 => {
            ("gpu_portion_request", settings.gpu_portion_request.to_string())
        }
        GpuRequestType::Memory => match &settings.gpu_memory_request {
            Some(memory) => ("gpu_memory_request", memory.as_str().trim_end().to_owned()),
            None => return,
        },
        GpuRequestType::Portion => return,
    };
    if context.is_invalid(&[key]) {
        return;
    }
    let message = format!("`{key}` is `{share}` of each of {devices} devices");
    context
        .report(&SHARE_OF_SEVERAL_GPUS, key, message)
        .with_help(
            "write `gpu_devices_request: 1`, or check that the control plane supports fractions of several devices",
        )
        .with_related("gpu_devices_request", format!("{devices} devices are requested here"))
        .with_value("gpu_devices_request", 1, Unsafe);
}

fn amount(memory: &Memory) -> Option<Amount> {
    Amount::parse(memory.as_str())
}

fn is_zero(quantity: &str) -> bool {
    // A fast path: most quantities start with a digit other than 0.
    !quantity.starts_with(|c| matches!(c, '1'..='9')) && Amount::parse(quantity).is_some_and(|amount| amount.is_zero())
}
