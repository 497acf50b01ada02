"""Runs the Python code of the documentation."""

import ast
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

# Set before the import: by default, ZenML writes a configuration folder, reports usage and logs.
os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
os.environ["ZENML_LOGGING_VERBOSITY"] = "CRITICAL"

import yaml

from simulator import PROGRAM

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page, language):
    """Returns the fenced code blocks of a page."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


class Pages(unittest.TestCase):
    def test_migration_page(self):
        (text,) = blocks("migration.md", "python")
        # The step function needs a source file.
        module = ast.parse(text)
        module.body = [node for node in module.body if not isinstance(node, ast.FunctionDef)]
        names = {}
        exec(compile(module, "migration.md", "exec"), names)
        python = names["settings"].model_dump(mode="json", exclude_unset=True)
        (step,) = [it for it in map(yaml.safe_load, blocks("migration.md", "yaml")) if "image" in it]
        self.assertEqual(python, step["settings"])

    def test_simulator_page(self):
        (text,) = blocks("simulator.md", "python")
        path = os.pathsep.join([str(Path(PROGRAM).resolve().parent), os.environ["PATH"]])
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", text],
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        (expected,) = re.findall(r"^print\(.*\)  # (.*)$", text, re.MULTILINE)
        self.assertEqual((run.returncode, run.stdout.strip()), (0, expected))


if __name__ == "__main__":
    unittest.main()
