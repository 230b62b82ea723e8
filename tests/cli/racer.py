"""One writer in a race of processes: `racer.py URL OPTIONS NAME KEYS`. Prints whose body it saw under each key."""

import json
import sys

from prefect_storyboard.ledger import open_storage

url, options, name, keys = sys.argv[1:]
storage = open_storage(url, json.loads(options))
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps([storage.create_once(name.encode(), "race", f"{n:03d}.json").decode() for n in range(int(keys))]))
