"""QoS 0 and QoS 1, plain and through mutual TLS: Fogbank beside mosquitto and FlashMQ, same certificates, same machine, same run.

Question: what does one delivery cost, and how many are there a second? The broker runs on core 0, the load generator on core 1; Fogbank with its
policies on, the others without access lists. Each figure is the median of BENCH_RUNS runs per broker, taken in turn. The peers are those that are
on PATH, or named by MOSQUITTO and FLASHMQ; the ratios are to the best of them.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from bench.peers import peers  # noqa: E402
from tests.support.fogbank_server import BINARY, FogbankServer  # noqa: E402

LOAD = REPOSITORY / "build-bench" / "bench" / "mqtt_load"
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SCENARIOS = [
    # name, tls, load options
    ("1->1 qos 0, 100 B, plain", False, {"qos": 0, "size": 100, "messages": 500000}),
    ("1->1 qos 1, 100 B, plain", False, {"qos": 1, "size": 100, "messages": 200000}),
    ("100->1 qos 0, 100 B, plain", False, {"qos": 0, "size": 100, "messages": 300000, "publishers": 100, "window": 50}),
    ("100->1 qos 1, 100 B, plain", False, {"qos": 1, "size": 100, "messages": 150000, "publishers": 100, "window": 20}),
    ("1->100 qos 0, 100 B, plain", False, {"qos": 0, "size": 100, "messages": 10000, "subscribers": 100, "window": 100}),
    ("1->100 qos 1, 100 B, plain", False, {"qos": 1, "size": 100, "messages": 4000, "subscribers": 100, "window": 40}),
    ("100 pairs qos 0, 100 B, plain", False, {"qos": 0, "size": 100, "messages": 300000, "pairs": 100, "window": 20}),
    ("100 pairs qos 1, 100 B, plain", False, {"qos": 1, "size": 100, "messages": 150000, "pairs": 100, "window": 20}),
    ("1->1 qos 0, 100 B, mTLS", True, {"qos": 0, "size": 100, "messages": 300000}),
    ("1->1 qos 1, 100 B, mTLS", True, {"qos": 1, "size": 100, "messages": 100000}),
    ("1->1 qos 0, 1 KB, mTLS", True, {"qos": 0, "size": 1024, "messages": 200000}),
    ("1->1 qos 1, 1 KB, mTLS", True, {"qos": 1, "size": 1024, "messages": 60000}),
    ("100->1 qos 1, 100 B, mTLS", True, {"qos": 1, "size": 100, "messages": 100000, "publishers": 100, "window": 20}),
    ("1->100 qos 0, 100 B, mTLS", True, {"qos": 0, "size": 100, "messages": 4000, "subscribers": 100, "window": 100}),
    ("1->100 qos 1, 100 B, mTLS", True, {"qos": 1, "size": 100, "messages": 3000, "subscribers": 100, "window": 40}),
    ("100 pairs qos 0, 100 B, mTLS", True, {"qos": 0, "size": 100, "messages": 200000, "pairs": 100, "window": 20}),
    ("100 pairs qos 1, 100 B, mTLS", True, {"qos": 1, "size": 100, "messages": 100000, "pairs": 100, "window": 20}),
]


def load(port, pid, tls, folder, options):
    command = ["taskset", "-c", "1", str(LOAD), "--host", "localhost", "--port", str(port), "--pid", str(pid)]
    if tls:
        command += ["--ca", str(folder / "RootCA.pem"), "--cert", str(folder / "bench-certificate.pem.crt"), "--key", str(folder / "bench-private.pem.key")]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    result = json.loads(done.stdout)
    if result["delivered"] != result["expected"]:
        raise RuntimeError(f"{result['expected'] - result['delivered']} messages were not delivered: {' '.join(command)}")
    return result


def median(results, key):
    return statistics.median(result[key] for result in results)


def line(name, brokers):
    """brokers: (name, results), ours first."""
    out = f"{name:30}"
    for broker, results in brokers:
        out += f" | {broker:9} {median(results, 'per_second'):8.0f}/s {median(results, 'broker_cpu_us_per_delivery'):6.2f} us p99 {median(results, 'p99_ms'):6.2f} ms"
    if len(brokers) > 1:
        rate = median(brokers[0][1], "per_second") / max(median(results, "per_second") for _, results in brokers[1:])
        cpu = median(brokers[0][1], "broker_cpu_us_per_delivery") / min(median(results, "broker_cpu_us_per_delivery") for _, results in brokers[1:])
        out += f" | rate x{rate:.2f} cpu x{cpu:.2f}"
    print(out, flush=True)


def main():
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-") as folder:
        folder = pathlib.Path(folder)
        server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--mqtt-port", "0", "--log-level", "warn", "--shards", os.environ.get("BENCH_SHARDS", "1")).start()
        others = []
        try:
            subprocess.run(["taskset", "-a", "-c", "-p", "0", str(server.process.pid)], check=True, stdout=subprocess.DEVNULL)
            server.provision("bench", folder / "bench")
            others = list(peers(folder, server))
            version = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True).stdout.strip()
            print(f"{version} beside {', '.join(peer.name for peer in others) or 'nobody'}; broker on core 0, generator on core 1; medians of {RUNS} runs; CPU is the broker's, per delivery")
            only = sys.argv[1:]
            for name, tls, options in SCENARIOS:
                if only and not any(word in name for word in only):
                    continue
                brokers = [("Fogbank", server.endpoints["mqtts_port"] if tls else server.endpoints["mqtt_port"], server.process.pid, [])]
                brokers += [(peer.name, peer.tls_port if tls else peer.plain_port, peer.process.pid, []) for peer in others]
                for _ in range(RUNS):
                    for broker, port, pid, results in brokers:
                        try:
                            results.append(load(port, pid, tls, folder / "bench", options))
                        except (RuntimeError, subprocess.TimeoutExpired) as failure:
                            print(f"{broker}: {failure}", flush=True)
                line(name, [(broker, results) for broker, _, _, results in brokers if results])
        finally:
            for peer in others:
                peer.stop()
            server.stop()


if __name__ == "__main__":
    main()
