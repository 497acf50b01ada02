"""The simulator against the API's own description, by schemathesis.

Usage: run.py OPENAPI [--seconds N] [--seed N] [--only PHASES]

OPENAPI is NVIDIA's description for control plane 2.24, of which every developer brings a copy. It is cut down to the
operations that the simulator answers: those are asked of it.
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
sys.path.insert(0, str(HERE.parent / "peers"))

from simulator import Simulator  # noqa: E402

METHODS = {"get", "post", "put", "patch", "delete"}

CREATION = "/api/v1/workloads/trainings"

#: A world in which most of what the description names can be found.
SCENARIO = HERE / "scenario.toml"

#: The template in it.
TEMPLATE = "5100cafe-0000-4000-8000-0000000000a1"


def ask(url, method="GET", body=None, headers=None):
    """Status, headers and body of an answer."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def allowed(base_url, path):
    """The methods that the simulator knows for a path; none for a path that it does not know."""
    parts = [str(index) if part.startswith("{") else part for index, part in enumerate(path.split("/"))]
    status, headers, _ = ask(base_url + "/".join(parts), method="OPTIONS")
    return set() if status == 501 else {method.strip().lower() for method in headers.get("Allow", "").split(",")}


def cut_down(description, base_url):
    """The description of what the simulator answers, and how many operations that is.

    It gains what it does not foresee: a 400 for what it forbids itself, a 401 for a caller that it wants to know, and a 409
    for a name that exists.
    """
    paths, count, unforeseen = {}, 0, []
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
                unforeseen.append(f"{status} {method.upper()} {path}")
                responses[status] = error
    print(f"{count} operations of {len(paths)} paths; not foreseen in the description:", *unforeseen, sep="\n  ")
    return {**description, "paths": paths}


def token(simulator):
    form = {
        "grant_type": "client_credentials",
        "client_id": simulator.client_id,
        "client_secret": simulator.client_secret,
    }
    _, _, body = ask(simulator.base_url + "/api/v2/token", "POST", urllib.parse.urlencode(form).encode())
    return json.loads(body)["access_token"]


def populate(simulator, bearer):
    """Workloads in several phases: what is named in the configuration exists."""
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    _, _, found = ask(simulator.base_url + "/api/v1/clusters", headers=headers)
    cluster = json.loads(found)[0]["uuid"]
    ids = []
    for number in range(8):
        variables = [{"name": "RUNAI_SIM_RUNNING", "value": "1000000"}]
        spec = {"image": "python", "environmentVariables": variables, "compute": {"gpuDevicesRequest": number}}
        body = {"name": f"here-{number}", "projectId": "1", "clusterId": cluster, "spec": spec}
        url = simulator.base_url + CREATION
        status, _, answer = ask(url, "POST", json.dumps(body).encode(), headers)
        assert status == 202, answer
        ids.append(json.loads(answer)["workloadId"])
    simulator.advance(10)
    return cluster, ids


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("openapi", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", help="phases of schemathesis, all when not given")
    arguments = parser.parse_args()
    description = json.loads(arguments.openapi.read_text())
    with Simulator("--scenario", str(SCENARIO)) as simulator, tempfile.TemporaryDirectory() as scratch:
        bearer = token(simulator)
        cluster, ids = populate(simulator, bearer)
        described = cut_down(description, simulator.base_url)
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
        status, _, _ = ask(simulator.base_url + "/api/v1/clusters", headers={"Authorization": f"Bearer {bearer}"})
        assert status == 200, "the simulator does not answer any more"
    sys.exit(code)


if __name__ == "__main__":
    main()
