"""Celery's side of bench/canvas: the same canvases, their tasks doing nothing.

Needs Debian's python3-celery, python3-redis and redis-server. It starts a Redis
that fsyncs each write and a worker of two processes. For each line on stdin it
plays a round and prints its milliseconds as a line of JSON.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import celery

PORT = os.environ.get("BENCH_REDIS_PORT", "0")
URL = f"redis://127.0.0.1:{PORT}/0"
app = celery.Celery("celery_side", broker=URL, backend=URL)
app.conf.update(worker_prefetch_multiplier=4, worker_hijack_root_logger=False)


@app.task
def noop(*_):
    return None


def canvases():
    return {
        "chain of 5": (lambda: celery.chain(*[noop.s() for _ in range(5)]), 40),
        "group of 100": (lambda: celery.group(noop.s() for _ in range(100)), 10),
        "chord of 100": (lambda: celery.chord([noop.s() for _ in range(100)], noop.s()), 10),
        "group of 10,000": (lambda: celery.group(noop.s() for _ in range(10000)), 1),
    }


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def main():
    if PORT == "0":
        os.environ["BENCH_REDIS_PORT"] = free_port()
        os.execv(sys.executable, [sys.executable, *sys.argv])
    rounds = int(sys.argv[1])
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as folder:
        redis = subprocess.Popen(["redis-server", "--port", PORT, "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                                  "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        worker = subprocess.Popen([sys.executable, "-m", "celery", "-A", "celery_side", "worker", "-c", "2", "--without-gossip",
                                   "--without-mingle", "-l", "error"], cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    noop.delay().get(timeout=30)
                    break
                except Exception:  # Redis is not up yet
                    time.sleep(0.1)
            for _ in range(rounds):
                if not sys.stdin.readline():
                    break
                times = {}
                for name, (make, repeats) in canvases().items():
                    taken = []
                    for _ in range(repeats):
                        begun = time.perf_counter()
                        make().apply_async().get(timeout=300)
                        taken.append((time.perf_counter() - begun) * 1000)
                    times[name] = taken
                print(json.dumps(times), flush=True)
        finally:
            worker.terminate()
            worker.wait()
            redis.terminate()
            redis.wait()
            sys.stdout.flush()
            os._exit(0)  # results that are dropped at the end would look for Redis


if __name__ == "__main__":
    main()
