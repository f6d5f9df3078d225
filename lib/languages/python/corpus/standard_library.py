import asyncio
import collections
import concurrent.futures
import dataclasses
import datetime
import decimal
import fractions
import hashlib
import heapq
import itertools
import json
import math
import multiprocessing
import os
import re
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import zoneinfo


@dataclasses.dataclass
class Point:
    x: int
    y: int = 2


def square(n):
    return n * n


async def later(n):
    await asyncio.sleep(0)
    return n + 1


if __name__ == "__main__":
    print(2**200, math.factorial(30))
    print(decimal.Decimal("0.1") * 3, fractions.Fraction(1, 3) + fractions.Fraction(1, 6))
    print(collections.Counter("mississippi").most_common(2), list(itertools.islice(itertools.count(3), 3)))
    print(json.loads(json.dumps({"a": [1, None, "ü"]}, ensure_ascii=False)))
    print(hashlib.sha256(b"abc").hexdigest()[:16], re.sub(r"(\w+)@(\w+)", r"\2 at \1", "me@home"))
    print(datetime.datetime(2024, 2, 29, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).isoformat())
    print(statistics.median([5, 1, 3]), heapq.nsmallest(2, [4, 2, 9]), Point(1))
    total = 0
    lock = threading.Lock()

    def add():
        global total
        with lock:
            total += 1

    threads = [threading.Thread(target=add) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(total)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(list(pool.map(square, range(5))))
    with multiprocessing.Pool(2) as pool:
        print(pool.map(square, [10, 11]))
    print(asyncio.run(later(41)))
    database = sqlite3.connect(":memory:")
    print(database.execute("select 6 * 7, upper('sql')").fetchone())
    with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
        file.write("kept")
        file.flush()
        print(os.path.exists(file.name), subprocess.run(["cat", file.name], capture_output=True, text=True).stdout)
