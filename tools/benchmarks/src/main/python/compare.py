"""The table at the top of BENCHMARKS.md: sae4j and what one would use instead, by turns on this machine.

    python compare.py PEER_SCRIPT [--folder DIR]... [--gguf FILE]... [--rounds N] [--minutes N] [--only TEXT]

Run it with an interpreter that has what the peer script needs (torch, transformers; llama-cpp-python for --gguf: --llama-python names another
interpreter). Needs `./mvnw package -DskipTests` before. A folder is a Hugging Face folder of a language model in float32 or bfloat16; its
peer is transformers in the same type. The peer of a GGUF file is llama.cpp. Cases that the time does not reach are named at the end.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[".."] * 5))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer")
    parser.add_argument("--folder", action="append", default=[])
    parser.add_argument("--gguf", action="append", default=[])
    parser.add_argument("--llama-python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    skipped = []

    def reached(name):
        if options.only not in name:
            return False
        if time.monotonic() > end:
            skipped.append(name)
            return False
        return True

    if reached("rows"):
        show(java("RowProducts", "256"))
    for path, peer in [(f, [sys.executable, options.peer, "folder-generate", f, type_of(f)]) for f in options.folder] + \
                      [(g, [options.llama_python, options.peer, "llamacpp-generate", g]) for g in options.gguf]:
        if reached("generate " + path):
            generation(path, peer, options.rounds, end)
    for name, arguments in [("forward", ["ModelComparison", "forward"]), ("sgemm, steps", ["PeerComparison"])]:
        if reached(name):
            show(java(*arguments, sys.executable, options.peer, timeout=max(60, end - time.monotonic())))
    if skipped:
        print("not measured, as the time was over: " + ", ".join(skipped))


def type_of(folder):
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    return "bf16" if "bfloat16" in (config.get("dtype"), config.get("torch_dtype")) else "f32"


def java(name, *arguments, timeout=600):
    jars = os.path.join(ROOT, "tools", "cli", "target", "sae-lib")
    classes = os.path.join(ROOT, "tools", "benchmarks", "target", "classes")
    if not glob.glob(jars + "/*.jar") or not os.path.isdir(classes):
        sys.exit("nothing is built in " + ROOT + ": run ./mvnw package -DskipTests first")
    home = os.environ.get("JAVA_HOME")
    command = [os.path.join(home, "bin", "java") if home else "java", "-Xmx8g", "--add-modules", "jdk.incubator.vector",
               "--enable-native-access=ALL-UNNAMED", "-cp", jars + "/*:" + classes, "org.sae4j.benchmarks." + name, *arguments]
    return output(command, timeout)


def output(command, timeout=600):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return "no result in %d s: %s\n" % (timeout, " ".join(command))
    if done.returncode != 0:
        return "failed: %s\n%s\n" % (" ".join(command), done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "")
    return done.stdout


def show(text):
    print(text, end="", flush=True)


def generation(path, peer, rounds, end):
    """Prompt and new tokens by turns; a ratio is of one round, and the median of the rounds counts."""
    ratios = {"prompt_tokens_per_s": [], "decode_tokens_per_s": []}
    for i in range(rounds):
        if i > 0 and time.monotonic() > end:
            break
        lines = [result(java("Generation", path)), result(output(peer))]
        if None in lines:
            return
        for name, values in ratios.items():
            values.append(lines[0][name] / lines[1][name])
        print("%s, round %d: sae4j %s; peer %s" % (path, i + 1, *(
            "prompt %.1f tokens/s, new %.1f, first token %.1f s, peak %s MiB" % (line["prompt_tokens_per_s"], line["decode_tokens_per_s"],
                                                                            line["first_token_s"], line["peak_mib"]) for line in lines)))
    print("| %s | prompt %.2f | generation %.2f | of the peer, %d rounds |" % (
        path, *(statistics.median(values) for values in ratios.values()), len(ratios["prompt_tokens_per_s"])), flush=True)


def result(text):
    """The last line of JSON, or none where there was no result, which is shown."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    show(text)
    return None


main()
