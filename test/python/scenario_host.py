"""Runs the scenarios of one module: one line of JSON in for each, and one line of JSON out."""

import importlib
import json
import sys
import traceback

module = importlib.import_module(sys.argv[1])

for line in sys.stdin:
    call = json.loads(line)
    try:
        outcome = {"result": getattr(module, call["scenario"])(**call["input"])}
    except Exception:
        outcome = {"traceback": traceback.format_exc()}
    print(json.dumps(outcome, default=str), flush=True)
