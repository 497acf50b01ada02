"""Runs the snippets with the real packages.

Gets the snippets and the body of many documents from the core, and compares them. ZenML builds the request of its
snippet, the SDK's models that of the runapy snippet, and a shell runs the commands with stubs of `curl` and `runai` that
print their arguments. Each result must equal the rendered body.

Usage: run.py ANSWERS, in an environment with ZenML and runapy; `cargo xtask test snippets` calls it. ANSWERS is the
program that answers calls to the core (`crates/runai-wasm/examples/answers.rs`).
"""

import inspect
import json
import logging
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

# Must be set before the import: ZenML writes a configuration folder, reports usage and logs.
os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
os.environ["ZENML_LOGGING_VERBOSITY"] = "CRITICAL"
os.environ["AUTO_OPEN_DASHBOARD"] = "false"
os.environ["RUNAI_CLIENT_ID"] = "id"
os.environ["RUNAI_CLIENT_SECRET"] = "secret"
os.environ["RUNAI_BASE_URL"] = "https://runai.example.com"

import runai.api_client
import runai.runai_client
from runai.api.trainings_api import TrainingsApi
from zenml.enums import StackComponentType
from zenml.integrations.runai.flavors import RunAIStepOperatorConfig
from zenml.integrations.runai.step_operators import runai_step_operator

logging.disable(logging.CRITICAL)

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = {
    "name": "train-1",
    "project_id": "4500001",
    "cluster_id": "71f69d83-ba66-4822-adf5-55ce55efd210",
}
IMAGE = "python:3.12"
COMMAND = ["python", "-m", "train", "--name", "it's \"me\""]

# The documented flags of the official CLI.
FLAGS = set(
    """allow-privilege-escalation annotation attach auto-deletion-time-after-completion backoff-limit capability command
    compute configmap-map-volume cpu-core-limit cpu-core-request cpu-memory-limit cpu-memory-request create-home-dir
    datasource env-secret environment-variable existing-pvc extended-resource external-url git-sync gpu-devices-request
    gpu-memory-limit gpu-memory-request gpu-portion-limit gpu-portion-request gpu-request-type host-ipc host-network
    host-path image image-pull-policy label large-shm name-prefix new-pvc nfs node-pools node-type parallelism port
    preemptibility priority project run-as-gid run-as-non-root run-as-uid runs s3 seccomp-profile secret-volume
    supplemental-groups template termination-grace-period toleration user-group-source working-dir""".split()
)


def without_empty(value):
    """Returns a body without members that are null or empty."""
    if isinstance(value, dict):
        kept = {key: without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, [], {})}
    if isinstance(value, list):
        return [without_empty(inner) for inner in value]
    return value


def with_documented_differences(body):
    """Applies the differences in `ARCHITECTURE.md` to ZenML's body."""
    compute = body["spec"]["compute"]
    devices, kind = compute.get("gpuDevicesRequest"), compute.get("gpuRequestType")
    if devices == 0:
        compute.pop("gpuRequestType", None)
    for member in ("gpuPortionRequest", "gpuPortionLimit"):
        if devices == 0 or kind == "memory":
            compute.pop(member, None)
    for member in ("gpuMemoryRequest", "gpuMemoryLimit"):
        if devices == 0 or kind == "portion":
            compute.pop(member, None)
    annotations = [one for one in body["spec"].get("annotations", []) if not one["name"].startswith("zenml.io/")]
    body["spec"]["annotations"] = annotations
    return without_empty(body)


class Captured(Exception):
    """The intercepted request of a program."""

    def __init__(self, request):
        self.request = request


class Trainings:
    def create_training1(self, **arguments):
        known = inspect.signature(TrainingsApi.create_training1).parameters
        unknown = [name for name in arguments if name not in known]
        assert not unknown, f"the SDK takes no {unknown}"
        raise Captured(arguments["training_creation_request"])


def replace_the_network():
    user = SimpleNamespace(active_user=SimpleNamespace(id=uuid.UUID(int=1)))
    runai_step_operator.Client = lambda: user
    runai.api_client.ApiClient = lambda configuration: configuration
    client = SimpleNamespace(workloads=SimpleNamespace(trainings=Trainings()))
    runai.runai_client.RunaiClient = lambda _: client


def operator():
    now = datetime(2025, 1, 1, tzinfo=timezone.utc)
    config = RunAIStepOperatorConfig(
        client_id="id", client_secret="secret", runai_base_url="https://runai.example.com", project_name="project"
    )
    return runai_step_operator.RunAIStepOperator(
        name="runai",
        id=uuid.UUID(int=2),
        config=config,
        flavor="runai",
        type=StackComponentType.STEP_OPERATOR,
        user=None,
        created=now,
        updated=now,
    )


def zenml_body(program, document, operator):
    scope = {"__name__": "snippet"}
    exec(compile(program, "zenml", "exec"), scope)
    docker = re.search(r"DockerSettings\(environment=", program)
    request = operator._build_training_request(
        settings=scope["settings"],
        image=document["body"]["spec"].get("image"),
        workload_name=CONTEXT["name"],
        project_id=CONTEXT["project_id"],
        cluster_id=CONTEXT["cluster_id"],
        entrypoint_command=document["command"],
        # DockerSettings define the environment.
        environment=environment_of(program) if docker else {},
    )
    return with_documented_differences(without_empty(request.to_dict()))


def environment_of(program):
    from zenml.config import DockerSettings

    found = []
    scope = {"DockerSettings": lambda **arguments: found.append(DockerSettings(**arguments)) or found[-1]}
    source = program.replace("from zenml.config import DockerSettings\n", "")
    exec(compile(source, "zenml", "exec"), {"__name__": "snippet", **scope})
    return found[0].environment


def runapy_body(program):
    try:
        exec(compile(program, "runapy", "exec"), {"__name__": "snippet"})
    except Captured as captured:
        return without_empty(captured.request.to_dict())
    raise AssertionError("the program sent nothing")


def words_of(command, program):
    """Returns the arguments that a shell passes to a program."""
    script = f"{program}() {{ printf '%s\\0' \"$@\"; }}\nRUNAI_TOKEN=token\n{command}\n"
    done = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


def check_shell(snippets, document):
    words = words_of(snippets["curl"], "curl")
    body = json.loads(words[words.index("--data") + 1])
    assert body == document["body"], f"curl sends {body}"
    assert words[words.index("--request") + 2] == "https://runai.example.com/api/v1/workloads/trainings"

    words = words_of(snippets["runai"], "runai")
    assert words[:4] == ["training", "standard", "submit", CONTEXT["name"]], words
    own = words[: words.index("--")] if "--" in words else words
    unknown = [word for word in own if word.startswith("--") and word[2:] not in FLAGS]
    assert not unknown, f"the command line has no {unknown}"
    if "--" in words:
        assert words[words.index("--") + 1 :] == document["command"], words
    subprocess.run(["bash", "-n", "-c", snippets["runai-step"]], check=True)


def compare(who, found, expected, place=""):
    """Fails at the first difference of two bodies."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            compare(who, found.get(key), expected.get(key), f"{place}/{key}")
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, (one, other) in enumerate(zip(found, expected)):
            compare(who, one, other, f"{place}/{index}")
    else:
        assert found == expected, f"{who} sends {found!r} at {place}, not {expected!r}"


class Core:
    def __init__(self, program):
        self.program = program

    def ask(self, calls):
        lines = "".join(json.dumps([name, text, json.dumps(arguments)]) + "\n" for name, text, arguments in calls)
        done = subprocess.run([self.program], input=lines, capture_output=True, text=True, check=True)
        return [read(json.loads(line)) for line in done.stdout.split("\n")[:-1]]


def read(answer):
    """Parses an answer: a line of JSON, and an optional text after it."""
    line, *text = answer.split("\n", 1)
    answer = json.loads(line)
    if text:
        answer["ok"]["text"] = text[0]
    return answer


def written_command(core, text, kind):
    converted = core.ask([("convert", text, {"format": kind, "to": "json"})])[0]["ok"]
    return json.loads(converted["text"])["command"]


def documents(core):
    """Yields texts with their format: files, and the example of each setting."""
    for folder in ("examples", "crates/runai-spec/tests/fixtures/valid"):
        for path in sorted((ROOT / folder).iterdir()):
            if path.suffix in (".json", ".toml", ".yaml"):
                yield path.name, path.read_text(), path.suffix[1:]
    defaults = core.ask([("defaults", "", {})])[0]["ok"]["settings"]
    for setting in core.ask([("settings", "", {})])[0]["ok"]:
        path, example = setting["path"], setting["example"]
        if "." in path or path in ("name", "image", "command", "environment", "settings"):
            continue
        if path not in defaults and not (setting.get("api") or path.endswith("_timeout")) or path == "image_pull_secret_name":
            continue
        settings = {path: example}
        if path == "gpu_memory_request" or path == "gpu_memory_limit":
            settings |= {"gpu_request_type": "memory", "gpu_memory_request": "20Gi"}
        if path == "gpu_portion_limit":
            settings["gpu_portion_request"] = 0.5
        if path == "completions":
            settings["parallelism"] = 1
        if path == "parallelism":
            settings["completions"] = example
        yield path, json.dumps(settings), "json"
    odd = {"environment": {"A": "it's \"q\" $HOME `x` \\ \n é", "B": ""}, "image": IMAGE, "command": ["a b", "$c", ""]}
    yield "odd texts", json.dumps(odd), "json"


def main():
    core = Core(sys.argv[1])
    replace_the_network()
    zenml = operator()
    checked = 0
    for name, text, kind in documents(core):
        context = {**CONTEXT, "base_url": "https://runai.example.com"}
        arguments = {"format": kind, "context": context}
        rendered = core.ask([("render", text, arguments)])[0]["ok"]
        if "text" not in rendered:
            # An operator file has no body.
            assert rendered["kind"] == "operator", f"{name} is not right: {rendered['diagnostics']}"
            continue
        body = json.loads(rendered["text"])
        if body["spec"].get("image", "<image>") == "<image>":
            arguments["context"] = context = {**context, "image": IMAGE, "command": COMMAND}
            body = json.loads(core.ask([("render", text, arguments)])[0]["ok"]["text"])
        snippets = core.ask([("snippets", text, arguments)])[0]["ok"]
        snippets = {snippet["id"]: snippet["text"] for snippet in snippets}
        document = {"body": body, "command": context.get("command") or written_command(core, text, kind)}
        try:
            expected = without_empty(body)
            compare("runapy", runapy_body(snippets["runapy"]), expected)
            compare("ZenML", zenml_body(snippets["zenml"], document, zenml), expected)
            check_shell(snippets, document)
        except Exception as error:
            for id, snippet in snippets.items():
                print(f"--- {id}\n{snippet}", file=sys.stderr)
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            sys.exit(1)
        checked += 1
    assert checked > 40, f"only {checked} documents were looked at"
    print(f"the snippets of {checked} documents say what the core renders")


main()
