"""Runs `runai-step simulate` for a test."""

import json
import os
import subprocess
import urllib.request

#: The program under test; `cargo xtask` builds it.
PROGRAM = os.environ.get("RUNAI_STEP", "runai-step")


class Simulator:
    """A running simulator: its address and credentials."""

    def __init__(self, *flags):
        self._process = subprocess.Popen(
            [PROGRAM, "simulate", *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{PROGRAM} simulate exited with {self._process.wait()}")
        connection = json.loads(line)
        self.base_url = connection["base_url"]
        self.client_id = connection["client_id"]
        self.client_secret = connection["client_secret"]
        self.project = connection["project"]
        self.cluster = connection["cluster"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        code = self._process.wait(timeout=30)
        self._process.stdout.close()
        assert code == 0, f"the simulator exited with {code}"

    def control(self, path, body, method="POST"):
        """Sends a control request (`/sim/…`) to the simulator."""
        request = urllib.request.Request(
            self.base_url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as response:
            return response.status

    def advance(self, seconds):
        """Advances the simulated time."""
        self.control("/sim/clock", {"seconds": seconds})
