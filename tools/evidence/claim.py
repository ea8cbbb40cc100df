"""What the rows of the evidence share: running sae4j, comparing, reporting. A file of rows runs in the environment that it names."""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_rows = []


def row(name, claim, peer, tolerance):
    """Registers a function that gives (largest difference, what was compared) as the row `name`; it may raise."""
    def register(function):
        _rows.append((name, claim, peer, tolerance, function))
        return function
    return register


_commands = []


def sae(*arguments):
    """Runs the command line (of this checkout, or the command in SAE4J); its output, or an error that says what it printed."""
    arguments = [str(a) for a in arguments]
    # A command as a reader would type it: without the row's temporary folder, and with the variable for the model's.
    shown = [re.sub(re.escape(tempfile.gettempdir()) + r"/evidence\w+/", "", a) for a in arguments]
    shown = ["$SMOLLM2" if a == os.environ.get("SMOLLM2") else a if a.startswith("$") else shlex.quote(a) for a in shown]
    _commands.append("sae " + " ".join(shown))
    command = shlex.split(os.environ.get("SAE4J", str(ROOT / "sae")))
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
    return done.stdout


def difference(ours, theirs):
    """The largest difference, divided by the largest of their values."""
    import numpy as np
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if ours.shape != theirs.shape:
        raise AssertionError(f"shapes {ours.shape} and {theirs.shape}")
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30))


def main():
    """Runs the rows that are named in the arguments, or all; a line of JSON for each."""
    wanted = set(sys.argv[1:])
    if "--list" in wanted:
        for name, claim, peer, tolerance, _ in _rows:
            print(json.dumps({"row": name, "claim": claim, "peer": peer}))
        return
    for name, claim, peer, tolerance, function in _rows:
        if wanted and name not in wanted:
            continue
        _commands.clear()
        result = {"row": name, "claim": claim, "peer": ", ".join(f"{p} {version(p)}" for p in peer), "tolerance": tolerance}
        try:
            with tempfile.TemporaryDirectory(prefix="evidence") as folder:
                number, compared = function(Path(folder))
            result |= {"difference": number, "compared": compared, "holds": number <= tolerance}
        except Exception as e:
            result |= {"holds": False, "failure": f"{type(e).__name__}: {e}".splitlines()[0][:300]}
            traceback.print_exc()
        print(json.dumps(result | {"commands": list(_commands)}), flush=True)
