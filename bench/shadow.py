"""Device shadows: updates a second on one and on many shadows, through MQTT and HTTP, beside the same bytes straight into SQLite; gets among 100,000.

Question: how much of what the disk can commit reaches the devices? Each line runs the server (durability `power-loss-safe`, profile `relaxed`, policies
and mutual TLS on) and then the floor: as many records of the same size, in transactions of as many as the engine committed together on average. The
server and the generator share the machine. Medians of BENCH_RUNS runs. Goals of issue 7: ratio >= 0.5; get p99 with 100,000 shadows within twice
that with 1,000.
"""

import json
import os
import pathlib
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.support.fogbank_server import BINARY, FogbankServer  # noqa: E402

LOAD = REPOSITORY / "build-bench" / "bench" / "shadow_load"
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
SCENARIOS = [
    # name, mode, shadows, load options
    ("MQTT, one shadow", "mqtt", 1, {"requests": 60000, "connections": 4, "window": 250}),
    ("MQTT, 10,000 shadows", "mqtt", 10000, {"requests": 60000, "connections": 4, "window": 250}),
    ("HTTP, one shadow", "http", 1, {"requests": 15000, "connections": 64}),
    ("HTTP, 10,000 shadows", "http", 10000, {"requests": 15000, "connections": 64}),
]


def load(mode, **options):
    command = [str(LOAD), "--mode", mode]
    for name, value in options.items():
        command += ["--in-order"] if value is True else [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout)


def groups(server):
    text = urllib.request.urlopen(server.endpoints["api_url"] + "/_fogbank/metrics").read().decode()
    return int(re.search(r"^fogbank_store_kv_groups_total (\d+)", text, re.M).group(1))


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--log-level", os.environ.get("BENCH_LOG", "warn")).start()
        self.server.provision("bench", folder / "bench")
        iot = self.server.boto3("iot")
        iot.create_policy(policyName="bench-all", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}))
        for certificate in iot.list_certificates()["certificates"]:
            iot.attach_policy(policyName="bench-all", target=certificate["certificateArn"])
            iot.detach_policy(policyName="bench-policy", target=certificate["certificateArn"])  # it denies the reserved topics

    def run(self, mode, **options):
        port = self.server.endpoints["mqtts_port" if mode == "mqtt" else "https_port"]
        files = {"ca": self.folder / "bench/RootCA.pem", "cert": self.folder / "bench/bench-certificate.pem.crt", "key": self.folder / "bench/bench-private.pem.key"}
        return load(mode, port=port, **files, **options)

    def record_bytes(self):
        database = sqlite3.connect(f"file:{self.server.data / 'fogbank.db'}?mode=ro", uri=True)
        table = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                 if {"key", "value"} <= {column[1] for column in database.execute(f"PRAGMA table_info({name})")}][0]
        return round(database.execute(f"SELECT avg(length(key) + length(value)) FROM {table} WHERE key > CAST('shd' AS BLOB) AND key < CAST('she' AS BLOB)").fetchone()[0])


def updates(bench):
    print(f"{'':22} {'updates/s':>10} {'floor':>10} {'ratio':>6} {'p50 ms':>8} {'p99 ms':>8} {'group':>7} {'bytes':>6}")
    for name, mode, shadows, options in SCENARIOS:
        ours, floors, sizes = [], [], []
        bench.run("mqtt", shadows=shadows, requests=shadows, connections=1, window=250, **{"in-order": True})
        for run in range(RUNS):
            before = groups(bench.server)
            ours.append(bench.run(mode, shadows=shadows, **options))
            sizes.append(options["requests"] / max(1, groups(bench.server) - before))
            size = bench.record_bytes()
            floors.append(load("floor", file=bench.folder / f"floor{run}.db", shadows=shadows, requests=options["requests"], bytes=size, group=max(1, round(sizes[-1]))))
        rate, floor = (statistics.median(result["per_second"] for result in results) for results in (ours, floors))
        p50, p99 = (statistics.median(result[key] for result in ours) for key in ("p50_ms", "p99_ms"))
        print(f"{name:22} {rate:10.0f} {floor:10.0f} {rate / floor:6.2f} {p50:8.2f} {p99:8.2f} {statistics.median(sizes):7.1f} {size:6}", flush=True)


def gets(bench):
    print(f"\n{'GetThingShadow':22} {'gets/s':>10} {'p50 ms':>8} {'p99 ms':>8}")
    worst = {}
    for shadows in (1000, 100000):
        bench.run("mqtt", shadows=shadows, requests=shadows, connections=4, window=250, **{"in-order": True})
        results = [bench.run("get", shadows=shadows, requests=20000, connections=8) for _ in range(RUNS)]
        rate, p50, worst[shadows] = (statistics.median(result[key] for result in results) for key in ("per_second", "p50_ms", "p99_ms"))
        print(f"{shadows:14,} shadows {rate:10.0f} {p50:8.2f} {worst[shadows]:8.2f}", flush=True)
    print(f"p99 with 100,000 shadows over p99 with 1,000: {worst[100000] / worst[1000]:.2f}")


def main():
    with tempfile.TemporaryDirectory(prefix="shadow-bench-", dir=os.environ.get("BENCH_FOLDER", str(REPOSITORY))) as folder:
        bench = Bench(pathlib.Path(folder))
        try:
            version = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True).stdout.strip()
            print(f"{version}; server and generator on {os.cpu_count()} cores; medians of {RUNS} runs")
            updates(bench)
            gets(bench)
        finally:
            bench.server.stop()


if __name__ == "__main__":
    main()
