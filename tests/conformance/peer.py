"""The peer, asked one question a line.

Reads JSON lines `{"id", "settings" | "step" | "operator" | "body"}` from standard input, puts each through ZenML's own settings
and configuration classes and its own building of the request, and answers `{"id", "refused_by", "errors", "body"}`.
Only what needs a ZenML server is replaced: the user whose id becomes an annotation.

Runs inside an environment that has the peers; `cargo xtask conformance` makes one.
"""

import json
import math
import logging
import os
import sys
import uuid
from datetime import datetime, timezone
from types import SimpleNamespace

# Before the import: ZenML writes a configuration folder, reports usage and logs otherwise.
os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
os.environ["ZENML_LOGGING_VERBOSITY"] = "CRITICAL"
os.environ["AUTO_OPEN_DASHBOARD"] = "false"

from pydantic import ValidationError
from runai.models.training_creation_request import TrainingCreationRequest
from zenml.config.base_settings import BaseSettings
from zenml.config.step_run_info import StepRunInfo
from zenml.enums import StackComponentType
from zenml.integrations.runai.flavors import RunAIStepOperatorConfig, RunAIStepOperatorSettings
from zenml.integrations.runai.step_operators import runai_step_operator

logging.disable(logging.CRITICAL)

USER = SimpleNamespace(active_user=SimpleNamespace(id=uuid.UUID(int=1)))
runai_step_operator.Client = lambda: USER

NOW = datetime(2025, 1, 1, tzinfo=timezone.utc)
KEY = "step_operator.runai"
# What a configuration cannot be without, for questions that are not about it.
OPERATOR = {
    "client_id": "id",
    "client_secret": "secret",
    "runai_base_url": "https://runai.example.com",
    "project_name": "project",
}


class Refusal(Exception):
    """The peer says no: at which of its gates, and why."""

    def __init__(self, gate, errors):
        self.gate = gate
        self.errors = errors


def gate(name, action):
    """Runs one gate of the peer, and says which it was if it refuses."""
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
    """A step's settings as ZenML's compiler makes them of those in a run configuration."""
    if not isinstance(settings, dict):
        raise TypeError("settings are a map")
    return RunAIStepOperatorSettings(**dict(BaseSettings.model_validate(settings)))


def merged(operator, settings):
    """The settings that the operator runs a step with, out of its own configuration and the step's."""
    # What a step says comes to the operator as it was written, without defaults.
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
    # What the SDK's client makes of a model before it becomes JSON.
    return request.to_dict()


def answer(question):
    if "body" in question:
        # Not its `from_dict`, which passes over whatever is falsy.
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
    """What JSON cannot say as a text: the peers take infinity and would send it."""
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
