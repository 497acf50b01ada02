"""Tests the simulator against the API description with schemathesis.

Usage: run.py OPENAPI [--seconds N] [--seed N] [--only PHASES]

OPENAPI is a copy of NVIDIA's description for control plane 2.24. Operations that the simulator does not support are
removed before the test.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "reference"))

from simulator import Simulator  # noqa: E402

METHODS = {"get", "post", "put", "patch", "delete"}

CREATION = "/api/v1/workloads/trainings"

#: A scenario with most entities that the description refers to.
SCENARIO = HERE / "scenario.toml"

#: The template of the scenario.
TEMPLATE = "5100cafe-0000-4000-8000-0000000000a1"


def send(url, method="GET", body=None, headers=None):
    """Returns status, headers and body of a response."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as response:
        return response.code, response.headers, response.read()


def allowed(base_url, path):
    """Returns the methods that the simulator supports for a path; empty for an unknown path."""
    parts = [str(index) if part.startswith("{") else part for index, part in enumerate(path.split("/"))]
    status, headers, _ = send(base_url + "/".join(parts), method="OPTIONS")
    return set() if status == 501 else {method.strip().lower() for method in headers.get("Allow", "").split(",")}


def supported_part(description, base_url):
    """Returns the description of the supported operations.

    Adds statuses that the description omits: 400 for invalid requests, 401 for unauthenticated ones, and 409 for a
    duplicate name.
    """
    paths, count, added = {}, 0, []
    error = description["paths"][CREATION]["post"]["responses"]["403"]
    for path, operations in description["paths"].items():
        methods = allowed(base_url, path)
        kept = {name: value for name, value in operations.items() if name not in METHODS or name in methods}
        for method in METHODS & kept.keys():
            count += 1
            paths[path] = kept
            responses = kept[method]["responses"]
            needed = {
                "400": "parameters" in kept[method],
                "401": not path.endswith("/token"),
                "409": path == CREATION and method == "post",
            }
            for status in [status for status, is_needed in needed.items() if is_needed and status not in responses]:
                added.append(f"{status} {method.upper()} {path}")
                responses[status] = error
    print(f"{count} operations of {len(paths)} paths; statuses added to the description:", *added, sep="\n  ")
    return {**description, "paths": paths}


def token(simulator):
    form = {
        "grant_type": "client_credentials",
        "client_id": simulator.client_id,
        "client_secret": simulator.client_secret,
    }
    _, _, body = send(simulator.base_url + "/api/v2/token", "POST", urllib.parse.urlencode(form).encode())
    return json.loads(body)["access_token"]


def populate(simulator, bearer):
    """Creates workloads in several phases; hooks.py uses their IDs."""
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    _, _, found = send(simulator.base_url + "/api/v1/clusters", headers=headers)
    cluster = json.loads(found)[0]["uuid"]
    ids = []
    for number in range(8):
        variables = [{"name": "RUNAI_SIM_RUNNING", "value": "1000000"}]
        spec = {"image": "python", "environmentVariables": variables, "compute": {"gpuDevicesRequest": number}}
        body = {"name": f"here-{number}", "projectId": "1", "clusterId": cluster, "spec": spec}
        url = simulator.base_url + CREATION
        status, _, response = send(url, "POST", json.dumps(body).encode(), headers)
        assert status == 202, response
        ids.append(json.loads(response)["workloadId"])
    simulator.advance(10)
    return cluster, ids


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("openapi", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", help="phases of schemathesis; default: all")
    arguments = parser.parse_args()
    description = json.loads(arguments.openapi.read_text())
    with Simulator("--scenario", str(SCENARIO)) as simulator, tempfile.TemporaryDirectory() as scratch:
        bearer = token(simulator)
        cluster, ids = populate(simulator, bearer)
        described = supported_part(description, simulator.base_url)
        described["servers"] = [{"url": simulator.base_url}]
        sys.stdout.flush()
        schema = pathlib.Path(scratch, "openapi.json")
        schema.write_text(json.dumps(described))
        known = {"cluster": cluster, "project": "1", "template": TEMPLATE, "workload": ids[0]}
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "RUNAI_KNOWN": json.dumps(known)}
        environment["PYTHONPATH"] = str(HERE)
        run = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")]
        run += ["run", str(schema), "--url", simulator.base_url, "--warnings", "off"]
        run += ["--max-time", str(arguments.seconds), "--seed", str(arguments.seed), "--continue-on-failure"]
        run += ["-H", f"Authorization: Bearer {bearer}", "--no-color", "--generation-database", "none"]
        if arguments.only:
            run += ["--phases", arguments.only]
        code = subprocess.run(run, env=environment, cwd=scratch, check=False).returncode
        status, _, _ = send(simulator.base_url + "/api/v1/clusters", headers={"Authorization": f"Bearer {bearer}"})
        assert status == 200, "the simulator stopped responding"
    sys.exit(code)


if __name__ == "__main__":
    main()
