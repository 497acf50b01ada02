//! Rules of GPU, CPU and memory.

use runai_api::quantity::Amount;
use runai_api::wire::GpuRequestType;

use super::{Example, Judge, rules};
use crate::settings::{Memory, StepSettings};

rules! {
    /// With `gpu_request_type: memory` the amount of GPU memory has to be said.
    MISSING_GPU_MEMORY {
        code: "missing-gpu-memory",
        severity: Error,
        summary: "a request by GPU memory does not say how much",
        valid: Example::Yaml("gpu_request_type: memory\ngpu_memory_request: 20Gi\n"),
        invalid: Example::Yaml("gpu_request_type: memory\n"),
    }

    /// A limit is what a step may grow to, so it is at least what is guaranteed to it. Mind the defaults:
    /// `gpu_portion_request` is 1.0, `cpu_core_request` is 1.0 and `cpu_memory_request` is 4G if they are not written.
    LIMIT_BELOW_REQUEST {
        code: "limit-below-request",
        severity: Error,
        summary: "a limit is below its request",
        valid: Example::Yaml("cpu_memory_request: 8Gi\ncpu_memory_limit: 16Gi\n"),
        invalid: Example::Yaml("cpu_memory_request: 8Gi\ncpu_memory_limit: 8G\n"),
    }

    /// The setting belongs to the other kind of GPU request, or to a step with a GPU, and is not sent: `gpu_portion_*`
    /// count with `gpu_request_type: portion`, `gpu_memory_*` with `memory`, and none of them with
    /// `gpu_devices_request: 0`.
    IGNORED_GPU_SETTING {
        code: "ignored-gpu-setting",
        severity: Warning,
        summary: "a GPU setting has no effect with this request",
        valid: Example::Yaml("gpu_request_type: memory\ngpu_memory_request: 20Gi\n"),
        invalid: Example::Yaml("gpu_portion_request: 0.5\ngpu_memory_request: 20Gi\n"),
    }

    /// An amount of zero asks for nothing. The API takes it, and the step then gets no guarantee, or never starts.
    ZERO_QUANTITY {
        code: "zero-quantity",
        severity: Warning,
        summary: "an amount is zero",
        valid: Example::Yaml("cpu_memory_request: 4G\n"),
        invalid: Example::Yaml("cpu_memory_request: 0G\n"),
    }

    /// A share is asked for on each of several devices: half of two GPUs is a half on each, not one whole. Depending on
    /// its version the control plane refuses shares of several devices.
    SHARE_OF_SEVERAL_GPUS {
        code: "share-of-several-gpus",
        severity: Warning,
        summary: "a share of each of several GPUs is requested",
        valid: Example::Yaml("gpu_devices_request: 2\n"),
        invalid: Example::Yaml("gpu_devices_request: 2\ngpu_portion_request: 0.5\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, judge: &mut Judge<'_, '_>) {
    missing_gpu_memory(settings, judge);
    number_limits(settings, judge);
    memory_limits(settings, judge);
    ignored_gpu_settings(settings, judge);
    zero_quantities(settings, judge);
    shares_of_several(settings, judge);
}

fn missing_gpu_memory(settings: &StepSettings, judge: &mut Judge<'_, '_>) {
    if settings.gpu_request_type == GpuRequestType::Memory
        && settings.gpu_memory_request.is_none()
        && !judge.broken(&["gpu_request_type", "gpu_memory_request"])
    {
        let message = "`gpu_request_type` is `memory`, but `gpu_memory_request` is not set".to_owned();
        judge
            .report(&MISSING_GPU_MEMORY, "gpu_request_type", message)
            .advise("add `gpu_memory_request`, such as `20Gi`, or remove `gpu_request_type`");
    }
}

fn number_limits(settings: &StepSettings, judge: &mut Judge<'_, '_>) {
    for (limit_key, limit, request_key, request) in [
        ("gpu_portion_limit", settings.gpu_portion_limit, "gpu_portion_request", settings.gpu_portion_request),
        ("cpu_core_limit", settings.cpu_core_limit, "cpu_core_request", settings.cpu_core_request),
    ] {
        if let Some(limit) = limit.filter(|limit| *limit < request) {
            report_limit(judge, limit_key, &limit.to_string(), request_key, &request.to_string());
        }
    }
}

fn memory_limits(settings: &StepSettings, judge: &mut Judge<'_, '_>) {
    for (limit_key, limit, request_key, request) in [
        ("gpu_memory_limit", &settings.gpu_memory_limit, "gpu_memory_request", settings.gpu_memory_request.as_ref()),
        ("cpu_memory_limit", &settings.cpu_memory_limit, "cpu_memory_request", Some(&settings.cpu_memory_request)),
    ] {
        if let (Some(limit), Some(request)) = (limit, request)
            && amount(limit) < amount(request)
        {
            report_limit(judge, limit_key, limit.as_str(), request_key, request.as_str());
        }
    }
}

fn report_limit(judge: &mut Judge<'_, '_>, limit_key: &str, limit: &str, request_key: &str, request: &str) {
    if judge.broken(&[limit_key, request_key]) {
        return;
    }
    let (limit, request) = (limit.trim_end(), request.trim_end());
    let origin = judge.origin(request_key, limit_key);
    let message = format!("`{limit_key}` is `{limit}`, below `{request_key}`, which is `{request}`{origin}");
    judge
        .report(&LIMIT_BELOW_REQUEST, limit_key, message)
        .advise(format!("raise `{limit_key}` to `{request}` or more, or lower `{request_key}`"));
}

fn ignored_gpu_settings(settings: &StepSettings, judge: &mut Judge<'_, '_>) {
    if judge.broken(&["gpu_devices_request", "gpu_request_type"]) {
        return;
    }
    let (portion, memory) = (["gpu_portion_request", "gpu_portion_limit"], ["gpu_memory_request", "gpu_memory_limit"]);
    let (ignored, why, help): (Vec<&str>, _, _) = if settings.gpu_devices_request == 0 {
        let ignored = [&["gpu_request_type"][..], &portion, &memory].concat();
        (ignored, "with `gpu_devices_request: 0`", "remove it, or ask for a device with `gpu_devices_request: 1`")
    } else if settings.gpu_request_type == GpuRequestType::Memory {
        (portion.to_vec(), "with `gpu_request_type: memory`", "remove it, or write `gpu_request_type: portion`")
    } else {
        (memory.to_vec(), "with `gpu_request_type: portion`", "remove it, or write `gpu_request_type: memory`")
    };
    for key in ignored {
        let set = match key {
            "gpu_memory_request" => settings.gpu_memory_request.is_some(),
            "gpu_memory_limit" => settings.gpu_memory_limit.is_some(),
            "gpu_portion_limit" => settings.gpu_portion_limit.is_some(),
            _ => judge.written(key),
        };
        if set && !judge.broken(&[key]) {
            let message = format!("`{key}` has no effect {why} and is not sent");
            judge.report(&IGNORED_GPU_SETTING, key, message).advise(help);
        }
    }
}

fn zero_quantities(settings: &StepSettings, judge: &mut Judge<'_, '_>) {
    let memory = [
        ("gpu_memory_request", settings.gpu_memory_request.as_ref()),
        ("gpu_memory_limit", settings.gpu_memory_limit.as_ref()),
        ("cpu_memory_request", Some(&settings.cpu_memory_request)),
        ("cpu_memory_limit", settings.cpu_memory_limit.as_ref()),
    ];
    for (key, value) in memory {
        if let Some(value) = value.filter(|value| is_zero(value.as_str())) {
            report_zero(judge, key, value.as_str());
        }
    }
    let shares = [
        ("gpu_portion_request", Some(settings.gpu_portion_request)),
        ("gpu_portion_limit", settings.gpu_portion_limit),
    ];
    for (key, value) in shares {
        if value == Some(0.0) {
            report_zero(judge, key, "0.0");
        }
    }
    for (name, quantity) in settings.extended_resources.iter().flat_map(|resources| &resources.0) {
        if is_zero(quantity) {
            report_zero(judge, &format!("extended_resources/{}", runai_syntax::escape(name)), quantity);
        }
    }
    for (index, mount) in settings.pvc_mounts.iter().flatten().enumerate() {
        if let Some(size) = mount.claim_info.as_ref().and_then(|claim| claim.size.as_ref())
            && is_zero(size.as_str())
        {
            report_zero(judge, &format!("pvc_mounts/{index}/claim_info/size"), size.as_str());
        }
    }
}

fn report_zero(judge: &mut Judge<'_, '_>, path: &str, value: &str) {
    if judge.broken(&[path]) || !judge.written(path) {
        return;
    }
    let key = path.replace('/', ".");
    judge
        .report(&ZERO_QUANTITY, path, format!("`{key}` is `{}`, which asks for nothing", value.trim_end()))
        .advise("write how much is needed, or leave the key out");
}

fn shares_of_several(settings: &StepSettings, judge: &mut Judge<'_, '_>) {
    let devices = settings.gpu_devices_request;
    if devices < 2 || judge.broken(&["gpu_devices_request", "gpu_request_type"]) {
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
    if judge.broken(&[key]) {
        return;
    }
    let message = format!("`{key}` is `{share}` on each of {devices} devices");
    judge
        .report(&SHARE_OF_SEVERAL_GPUS, key, message)
        .advise("write `gpu_devices_request: 1` for one share, or make sure that your control plane allows several");
}

fn amount(memory: &Memory) -> Option<Amount> {
    Amount::parse(memory.as_str())
}

fn is_zero(quantity: &str) -> bool {
    // Most quantities show it by their first digit.
    !quantity.starts_with(|c| matches!(c, '1'..='9')) && Amount::parse(quantity).is_some_and(|amount| amount.is_zero())
}
