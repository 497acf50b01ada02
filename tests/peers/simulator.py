"""Starts `runai-step simulate` for a test, and ends it."""

import json
import os
import subprocess
import urllib.request

#: The program under test; `cargo xtask` builds it.
PROGRAM = os.environ.get("RUNAI_STEP", "runai-step")


class Simulator:
    """A running simulator: where it is, and who may use it."""

    def __init__(self, *flags):
        self._process = subprocess.Popen(
            [PROGRAM, "simulate", *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{PROGRAM} simulate ended with {self._process.wait()} instead of serving")
        reached = json.loads(line)
        self.base_url = reached["base_url"]
        self.client_id = reached["client_id"]
        self.client_secret = reached["client_secret"]
        self.project = reached["project"]
        self.cluster = reached["cluster"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        code = self._process.wait(timeout=30)
        self._process.stdout.close()
        assert code == 0, f"the simulator ended with {code}"

    def order(self, path, body, method="POST"):
        """Sends one of the simulator's own requests."""
        request = urllib.request.Request(
            self.base_url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            return answer.status

    def advance(self, seconds):
        """Lets simulated time pass at once."""
        self.order("/sim/clock", {"seconds": seconds})
