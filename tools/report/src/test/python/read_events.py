"""Reads a folder of event files with TensorBoard's own reader and compares it with metrics.jsonl.

    pip install tensorboard
    ./sae train ... --tensorboard LOGS --output RUN
    python read_events.py LOGS RUN/metrics.jsonl
"""
import json
import math
import sys

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

logs, metrics = sys.argv[1:]
events = EventAccumulator(logs, size_guidance={"scalars": 0})
events.Reload()
lines = [json.loads(line) for line in open(metrics)]
compared = 0
for name in lines[0]:
    if name == "step":
        continue
    scalars = events.Scalars("training/" + name)
    assert [s.step for s in scalars] == [line["step"] for line in lines], name
    for scalar, line in zip(scalars, lines):
        expected = numpy.float32(math.nan if line[name] is None else line[name])
        assert scalar.value == expected or math.isnan(expected) and math.isnan(scalar.value), (name, scalar, line)
        compared += 1
print(compared, "scalars of", len(lines), "steps are those of", metrics)
