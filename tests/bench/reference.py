"""Benchmarks the reference implementation: ZenML's settings and request building, with the Run:ai SDK's models.

    reference.py check FILE    import, read and validate a step file once
    reference.py time FILE     time the rendering of the body repeatedly in one process, and print medians as JSON

Only the user, whose ID becomes an annotation, is a mock: it needs a ZenML server. Runs in an environment with ZenML and
runapy; `cargo xtask bench` creates one.
"""

import json
import os
import sys

# Set before the import: by default, ZenML reports usage and logs.
os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
os.environ["ZENML_LOGGING_VERBOSITY"] = "CRITICAL"
os.environ["AUTO_OPEN_DASHBOARD"] = "false"

import yaml
from zenml.integrations.runai.flavors import RunAIStepOperatorSettings

ROUNDS = 40
TURNS = 10


def read(text):
    return yaml.load(text, Loader=yaml.CSafeLoader)


def check(text):
    RunAIStepOperatorSettings(**read(text)["settings"])


def time(text):
    import platform
    import statistics
    import timeit
    from importlib.metadata import version
    from types import SimpleNamespace

    from zenml.integrations.runai.step_operators import runai_step_operator

    user = SimpleNamespace(active_user=SimpleNamespace(id="00000000-0000-0000-0000-000000000001"))
    runai_step_operator.Client = lambda: user
    # The constructor requires a registered component; building the request only needs this key.
    operator = object.__new__(runai_step_operator.RunAIStepOperator)
    operator._config = SimpleNamespace(image_pull_secret_name=None)

    def body(step):
        request = operator._build_training_request(
            settings=RunAIStepOperatorSettings(**step["settings"]),
            image=step["image"],
            workload_name=step["name"],
            project_id="project",
            cluster_id="00000000-0000-0000-0000-000000000002",
            entrypoint_command=step["command"],
            environment={name: str(value) for name, value in step["environment"].items()},
        )
        return request.to_json()

    def median(action):
        action()
        rounds = timeit.repeat(action, number=TURNS, repeat=ROUNDS)
        return statistics.median(rounds) / TURNS * 1e9

    step = read(text)
    packages = {name: version(name) for name in ["zenml", "runapy", "pydantic", "PyYAML"]}
    print(
        json.dumps(
            {
                "dict": median(lambda: body(step)),
                "yaml": median(lambda: body(read(text))),
                "versions": {"Python": platform.python_version(), **packages},
            }
        )
    )


if __name__ == "__main__":
    action, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    {"check": check, "time": time}[action](text)
