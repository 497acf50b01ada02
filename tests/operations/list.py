"""Lists the operations of the Run:ai API from the SDK's sources.

Prints one sorted, tab-separated line per operation: method, path, query names, and `json` or `form` if it has a body.

Usage: list.py, in an environment with runapy; `cargo xtask operations` calls it. The SDK's code is not executed.
"""

import ast
import sys
from importlib.util import find_spec
from pathlib import Path

# Corrections of the SDK generator's spellings and omissions: its output, and the API's spelling.
CORRECTIONS = {
    ("GET", "/api/v1/audit/log/file", "fileType"): "file_type",
    ("GET", "/api/v1/datavolumes/{datavolume_id}/shared-scopes", None): "/api/v1/datavolumes/{datavolume_id}/sharedScopes",
    ("PATCH", "/api/v1/datavolumes/{datavolume_id}/shared-scopes", None): "/api/v1/datavolumes/{datavolume_id}/sharedScopes",
    ("POST", "/api/v2/token", "body"): "form",
}


def operations(source):
    """Yields the operations of an SDK module: methods that assign a `resource_path`."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        assigned = {}
        has_body = False
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                assigned[node.targets[0].id] = node.value
            if isinstance(node, ast.keyword) and node.arg == "body":
                has_body = True
        if "resource_path" in assigned:
            method = ast.literal_eval(assigned["method"])
            names = query_names(assigned.get("query_params"))
            yield method, path(assigned["resource_path"]), names, has_body


def path(node):
    """Returns the path as the SDK sends it: the SDK replaces underscores of the f-string; its values are parameters."""
    call = node
    assert isinstance(call, ast.Call) and call.func.attr == "replace", ast.unparse(node)
    old, new = (ast.literal_eval(argument) for argument in call.args)
    text = call.func.value
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    written = ""
    for part in parts:
        if isinstance(part, ast.Constant):
            written += part.value.replace(old, new)
        else:
            written += "{" + ast.unparse(part.value) + "}"
    return written


def query_names(node):
    return [] if node is None else [ast.literal_eval(pair.elts[0]) for pair in node.elts]


def main():
    # Locate the package without importing it.
    folder = Path(find_spec("runai").submodule_search_locations[0]) / "api"
    lines = set()
    count = 0
    unused = dict(CORRECTIONS)
    for module in sorted(folder.glob("*_api.py")):
        for method, where, names, has_body in operations(module.read_text(encoding="utf-8")):
            count += 1
            names = [unused.pop((method, where, name), name) for name in names]
            body = unused.pop((method, where, "body"), "json" if has_body else "")
            fields = [method, unused.pop((method, where, None), where), " ".join(sorted(names)), body]
            lines.add("\t".join(fields))
    if len(lines) != count:
        sys.exit(f"{count} operations, but only {len(lines)} are distinct")
    if unused:
        sys.exit(f"unused corrections: {unused}")
    for line in sorted(lines):
        print(line)


main()
