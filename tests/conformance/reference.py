"""Runs the reference implementation: one request and one result per line.

Reads JSON lines `{"id", "settings" | "step" | "operator" | "body" | "run"}` from stdin, passes each to ZenML's settings and
configuration classes and its building of the request, and prints `{"id", "refused_by", "errors", "body"}`. Only the user,
whose ID becomes an annotation, is a mock: it needs a ZenML server. A `run` is the text of a run configuration, which
ZenML's pipeline and compiler process; its `body` maps steps to bodies.

Runs in an environment with ZenML and runapy; `cargo xtask conformance` creates one.
"""

import json
import math
import logging
import os
import sys
import tempfile
import uuid
from datetime import datetime, timezone
from types import SimpleNamespace

# Set before the import: by default, ZenML writes a configuration folder, reports usage and logs.
os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
os.environ["ZENML_LOGGING_VERBOSITY"] = "CRITICAL"
os.environ["AUTO_OPEN_DASHBOARD"] = "false"

import yaml
from pydantic import ValidationError
from runai.models.training_creation_request import TrainingCreationRequest
from zenml import pipeline, step
from zenml.artifact_stores.local_artifact_store import (
    LocalArtifactStore,
    LocalArtifactStoreConfig,
)
from zenml.config import compiler
from zenml.config.base_settings import BaseSettings
from zenml.config.pipeline_run_configuration import PipelineRunConfiguration
from zenml.config.step_run_info import StepRunInfo
from zenml.enums import StackComponentType
from zenml.integrations.runai.flavors import RunAIStepOperatorConfig, RunAIStepOperatorSettings
from zenml.integrations.runai.step_operators import runai_step_operator
from zenml.orchestrators.local.local_orchestrator import (
    LocalOrchestrator,
    LocalOrchestratorConfig,
)
from zenml.pipelines.pipeline_definition import Pipeline
from zenml.stack import Stack
from zenml.steps.base_step import BaseStep
from zenml.utils import code_repository_utils, env_utils

logging.disable(logging.CRITICAL)

USER = SimpleNamespace(active_user=SimpleNamespace(id=uuid.UUID(int=1)))
runai_step_operator.Client = lambda: USER

# Mocks for code that needs a server or the steps' code.
compiler.get_zenml_versions = lambda: ("0.98.0", "0.98.0")
compiler.get_run_environment_dict = lambda: {}
code_repository_utils.find_active_code_repository = lambda *_, **__: None
Pipeline._compute_unique_identifier = lambda *_, **__: "x"
BaseStep._validate_function_parameters = lambda *_, **__: None

NOW = datetime(2025, 1, 1, tzinfo=timezone.utc)
KEY = "step_operator.runai"
# Required keys of the configuration.
OPERATOR = {
    "client_id": "id",
    "client_secret": "secret",
    "runai_base_url": "https://runai.example.com",
    "project_name": "project",
}


class Refusal(Exception):
    """A rejection: the stage and the errors."""

    def __init__(self, gate, errors):
        self.gate = gate
        self.errors = errors


def gate(name, action):
    """Runs one stage and converts its errors to a rejection."""
    try:
        return action()
    except ValidationError as error:
        raise Refusal(
            name,
            [
                {"loc": [str(part) for part in one["loc"]], "type": one["type"], "message": one["msg"]}
                for one in error.errors(include_url=False, include_context=False, include_input=False)
            ],
        )
    except Exception as error:
        raise Refusal(name, [{"loc": [], "type": type(error).__name__, "message": str(error)}])


def operator_of(config):
    return runai_step_operator.RunAIStepOperator(
        name="runai",
        id=uuid.UUID(int=2),
        config=config,
        flavor="runai",
        type=StackComponentType.STEP_OPERATOR,
        user=None,
        created=NOW,
        updated=NOW,
    )


DEFAULT_OPERATOR = operator_of(RunAIStepOperatorConfig(**OPERATOR))


def settings_of(settings):
    """Returns a step's settings as ZenML's compiler creates them from a run configuration."""
    if not isinstance(settings, dict):
        raise TypeError("settings are a map")
    return RunAIStepOperatorSettings(**dict(BaseSettings.model_validate(settings)))


def merged(operator, settings):
    """Returns the merged settings of the operator's configuration and the step."""
    # The operator receives a step's settings as written, without defaults.
    container = StepRunInfo.model_construct(
        config=SimpleNamespace(settings={KEY: BaseSettings.model_validate(settings)})
    )
    return operator.get_settings(container)


def body_of(operator, settings, context):
    request = operator._build_training_request(
        settings=settings,
        image=context.get("image"),
        workload_name=context["name"],
        project_id=context["project_id"],
        cluster_id=context["cluster_id"],
        entrypoint_command=context.get("command"),
        environment=context.get("environment", {}),
    )
    # Like the SDK's client before it serializes a model.
    return request.to_dict()


class OtherSettings(BaseSettings):
    """Settings of a step operator of another flavor."""

    instance_type: str = "small"


class OtherStepOperator(runai_step_operator.RunAIStepOperator):
    """A step operator of another flavor."""

    @property
    def settings_class(self):
        return OtherSettings


def component(of, name, flavor, type, number, config):
    return of(
        name=name,
        id=uuid.UUID(int=number),
        config=config,
        flavor=flavor,
        type=type,
        user=None,
        created=NOW,
        updated=NOW,
    )


def stack_of(components):
    """Returns a stack with the step operators `components` (names and flavors)."""
    operators = []
    for index, (name, flavor) in enumerate(components):
        of = runai_step_operator.RunAIStepOperator if flavor == "runai" else OtherStepOperator
        config = RunAIStepOperatorConfig(**OPERATOR)
        operators.append(component(of, name, flavor, StackComponentType.STEP_OPERATOR, 10 + index, config))
    orchestrator = component(
        LocalOrchestrator, "local", "local", StackComponentType.ORCHESTRATOR, 2, LocalOrchestratorConfig()
    )
    store = component(
        LocalArtifactStore, "local", "local", StackComponentType.ARTIFACT_STORE, 3, LocalArtifactStoreConfig()
    )
    stack = Stack(
        id=uuid.UUID(int=1), name="stack", orchestrator=orchestrator, artifact_store=store, step_operator=operators
    )
    return stack, operators


def step_named(name):
    def function() -> None:
        pass

    function.__name__ = name
    return step(function)


def steps_in(text):
    """Returns the names of the steps in a run configuration."""
    try:
        parsed = yaml.safe_load(text)
    except Exception:
        return []
    steps = parsed.get("steps") if isinstance(parsed, dict) else None
    return [str(name) for name in steps] if isinstance(steps, dict) else []


def compiled(text, stack):
    """Returns the step configurations that ZenML compiles from a file (`Pipeline._compile`)."""
    steps = {name: step_named(name) for name in steps_in(text)} or {"no_step": step_named("no_step")}

    @pipeline
    def run():
        for name, function in steps.items():
            function(id=name)

    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        run.prepare()
        parsed = run._parse_config_file(file.name, list(PipelineRunConfiguration.model_fields))
        run._reconfigure_from_file_with_overrides(config_path=file.name)
        configuration = PipelineRunConfiguration(**parsed)
        configuration = env_utils.substitute_env_variable_placeholders(configuration)
        snapshot = compiler.Compiler().compile(pipeline=run, stack=stack, run_configuration=configuration)
        snapshot = env_utils.substitute_env_variable_placeholders(snapshot)
    return {name: one.config for name, one in snapshot.step_configurations.items()}


def bodies_of(question):
    """Returns the body of each step that runs on a Run:ai step operator."""
    stack, operators = stack_of(question["components"])
    before = dict(os.environ)
    os.environ.update(question["environ"])
    try:
        configs = gate("compiler", lambda: compiled(question["run"], stack))
        bodies = {}
        for name, config in configs.items():
            wanted = config.step_operator
            if wanted is False:
                # The step runs on the pipeline's orchestrator.
                continue
            operator = next((one for one in operators if one.name == wanted), operators[0])
            if operator.flavor != "runai":
                continue
            info = StepRunInfo.model_construct(config=config)
            settings = gate("settings", lambda: operator.get_settings(info))
            environment = env_utils.get_runtime_environment(config, stack)
            context = {**question["context"], "environment": environment}
            bodies[name] = gate("request", lambda: body_of(operator, settings, context))
        return bodies
    finally:
        os.environ.clear()
        os.environ.update(before)


def answer(question):
    if "run" in question:
        return bodies_of(question)
    if "body" in question:
        # Not `from_dict`, which ignores falsy values.
        return gate("request", lambda: TrainingCreationRequest.model_validate(question["body"]).to_dict())
    context = question["context"]
    if "operator" in question:
        config = gate("config", lambda: RunAIStepOperatorConfig(**question["operator"]))
        operator = operator_of(config)
    else:
        operator = DEFAULT_OPERATOR
    if "step" in question:
        step = question["step"]
        context = {**context, **{key: step.get(key) for key in ("image", "command")}}
        context["environment"] = step.get("environment", {})
        own = step.get("settings") or {}
    else:
        own = question["settings"]
    settings = gate("settings", lambda: settings_of(own))
    if "operator" in question:
        settings = gate("merged", lambda: merged(operator, own))
    return gate("request", lambda: body_of(operator, settings, context))


def shown(value):
    """Returns non-JSON values as text: the SDK accepts infinity and would send it."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def main():
    for line in sys.stdin:
        question = json.loads(line)
        reply = {"id": question["id"], "refused_by": None, "errors": [], "body": None}
        try:
            reply["body"] = shown(answer(question))
        except Refusal as refusal:
            reply["refused_by"] = refusal.gate
            reply["errors"] = refusal.errors
        sys.stdout.write(json.dumps(reply, allow_nan=False) + "\n")
        sys.stdout.flush()


main()
