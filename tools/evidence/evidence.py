#!/usr/bin/env python3
"""Sets sae4j beside the field's own packages and writes what came out: docs/evidence.md and docs/evidence.json.

    tools/scripts/evidence [--environments DIR] [--again] [ROW...]

Without names it runs the rows that have no result of this version yet; --again runs all. Environments are made under DIR (default: ~/.cache/sae4j/
evidence) with uv, pinned by tools/evidence/environments. A row that fails or cannot run says so in the table. Rows of SmolLM2 need its Hugging Face
folder in the variable SMOLLM2.
"""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STORE = ROOT / "docs" / "evidence.json"
TABLE = ROOT / "docs" / "evidence.md"


def python_of(environment, folder):
    """The Python of an environment, made if it is not there."""
    python = folder / environment / "bin" / "python"
    if not python.exists():
        print(f"making the environment {environment} in {folder}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["uv", "venv", "-q", "--python", "3.12", str(folder / environment)], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "--python", str(python), "-r", str(HERE / "environments" / f"{environment}.txt")],
                       check=True)
    return str(python)


def version():
    return re.search(r"<version>([^<]*)</version>", (ROOT / "pom.xml").read_text()).group(1)


def machine():
    """The machine in neutral words: processor, threads, memory."""
    cpu, memory = platform.machine(), ""
    if Path("/proc/cpuinfo").exists():
        cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), cpu)
        memory = f", {int(re.search(r'MemTotal: +([0-9]+)', Path('/proc/meminfo').read_text()).group(1)) / 2 ** 20:.0f} GB"
    return f"{cpu}, {os.cpu_count()} threads{memory}, {platform.system()}"


def number(value):
    return "0" if value == 0 else f"{value:.1e}" if abs(value) < 0.01 else f"{value:g}"


# Headings of the page and the rows that stand under each, by the beginning of their names.
GROUPS = {
    "Autoencoders that others wrote, read by sae4j": ("saelens-read-", "dictionary-learning-read-", "sparsify-read-"),
    "Autoencoders that sae4j wrote, read by others": ("saelens-written-", "sparsify-written-"),
    "Autoencoders that sae4j trained, in SAELens": ("saelens-trained-",),
    "Models: logits and the residual stream": ("transformers-forward-",),
    "Models: every hook point": ("transformerlens-hooks-",),
    "Text, token for token": ("transformers-greedy-",),
    "SmolLM2-135M-Instruct": ("smollm2-",),
    "Evaluation": ("saelens-evaluation",),
}


def failure(result):
    return result["failure"].replace("|", "\\|") if "failure" in result else "differs"


def table(rows):
    lines = ["| row | claim | package | compared | difference | at most | holds |", "|---|---|---|---|---|---|---|"]
    for r in rows:
        lines.append("| " + " | ".join([r["row"], r["claim"], r["peer"], r.get("compared", "-"),
                                        number(r["difference"]) if "difference" in r else "-", number(r["tolerance"]),
                                        "yes" if r["holds"] else f"**no**: {failure(r)}"]) + " |")
    return lines


def write(results):
    """Writes the store and the page; every row belongs to one group."""
    STORE.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    grouped = {title: [results[name] for name in sorted(results) if name.startswith(prefixes)] for title, prefixes in GROUPS.items()}
    lost = set(results) - {r["row"] for rows in grouped.values() for r in rows}
    if lost:
        sys.exit(f"error: rows without a group in evidence.py: {', '.join(sorted(lost))}")
    held = sum(r["holds"] for r in results.values())
    lines = ["# Evidence: the field's packages beside sae4j", "",
             "Each row makes an input with the package named, runs a command of sae4j on it, and compares what the two give. A difference is the "
             "largest one, divided by the largest of the package's values. For tokens it is how many differ, and for cross-entropy it is in nats. "
             "Models and autoencoders are small and random, biases and norms too, so that no part of a computation can be left out unseen; "
             "only the rows of SmolLM2 use trained weights. One definition differs: sae4j keeps LayerNorm's `hook_normalized` behind gain and "
             "bias, as TransformerLens 2 does; TransformerLens 3 moved it before them, so its value is taken times the gain plus the bias.", "",
             f"**{held} of {len(results)} rows hold.**", "",
             "| | rows | hold | largest difference |", "|---|---|---|---|"]
    for title, rows in grouped.items():
        if rows:
            worst = max((r["difference"] for r in rows if "difference" in r), default=None)
            anchor = re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
            lines.append(f"| [{title}](#{anchor}) | {len(rows)} | {sum(r['holds'] for r in rows)} | {'-' if worst is None else number(worst)} |")
    lines += ["", "`tools/scripts/evidence` runs all rows that have no result of this version; `--again` runs all, and names run some. It makes the "
              "environments of the packages with uv. [evidence.json](evidence.json) has the commands and the date of each row.",
              "[What agrees with what](agreement.md) lists the tests of the build that hold the same against stored values."]
    for title, rows in grouped.items():
        if rows:
            lines += ["", f"## {title}", "", *table(rows)]
    dates = sorted({r["date"] for r in results.values()})
    lines += ["", "## Where and when", "", "; ".join(sorted({f"{r['machine']}, sae4j {r['version']}" for r in results.values()}))
              + f". Rows ran from {dates[0]} to {dates[-1]}.", ""]
    TABLE.write_text("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "sae4j" / "evidence")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    results = json.loads(STORE.read_text()) if STORE.exists() else {}
    known = set()
    for script in sorted((HERE / "rows").glob("*.py")):
        environment = re.search(r"environment: (\w+)", script.read_text()).group(1)
        python = python_of(environment, options.environments)
        quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
        listed = subprocess.run([python, str(script), "--list"], env=quiet, check=True, capture_output=True, text=True).stdout
        names = [json.loads(line)["row"] for line in listed.splitlines() if line.startswith("{")]
        known.update(names)
        todo = [n for n in names if (n in options.rows if options.rows else options.again or not (
            results.get(n, {}).get("holds") and results[n]["version"] == version()))]
        if not todo:
            continue
        with subprocess.Popen([python, str(script), *todo], env=quiet, stdout=subprocess.PIPE, text=True) as running:
            for line in running.stdout:
                if line.startswith("{"):
                    result = json.loads(line)
                    results[result["row"]] = result | {"date": datetime.date.today().isoformat(), "version": version(),
                                                       "machine": machine()}
                    print(f"{'holds' if result['holds'] else 'FAILS'}  {result['row']}  {result.get('difference', result.get('failure'))}")
                    write(results)
    unknown = set(options.rows) - known
    if unknown:
        sys.exit(f"error: no such row: {', '.join(sorted(unknown))}")
    gone = set(results) - known
    for name in gone:
        del results[name]
    write(results)
    sys.exit(0 if all(r["holds"] for r in results.values()) else 1)


if __name__ == "__main__":
    main()
