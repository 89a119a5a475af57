"""QoS 0 and QoS 1 through mutual TLS: Fogbank beside mosquitto, same certificates, same machine, same run.

Question: what does one delivery cost, and how many are there a second? The broker runs on core 0, the load generator on core 1; Fogbank with its
policies on, mosquitto without ACLs. Each line is the median of five runs per broker, taken in turn.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.support.fogbank_server import BINARY, FogbankServer  # noqa: E402

LOAD = REPOSITORY / "build-bench" / "bench" / "mqtt_load"
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SCENARIOS = [
    # name, tls, load options
    ("1->1 qos 0, 100 B, mTLS", True, {"qos": 0, "size": 100, "messages": 300000}),
    ("1->1 qos 1, 100 B, mTLS", True, {"qos": 1, "size": 100, "messages": 100000}),
    ("1->1 qos 0, 1 KB, mTLS", True, {"qos": 0, "size": 1024, "messages": 200000}),
    ("1->1 qos 1, 1 KB, mTLS", True, {"qos": 1, "size": 1024, "messages": 60000}),
    ("1->100 qos 0, 100 B, mTLS", True, {"qos": 0, "size": 100, "messages": 4000, "subscribers": 100, "window": 100}),
    ("20 pairs qos 1, 100 B, mTLS", True, {"qos": 1, "size": 100, "messages": 100000, "pairs": 20, "window": 50}),
    ("1->1 qos 0, 100 B, plain", False, {"qos": 0, "size": 100, "messages": 500000}),
    ("1->1 qos 1, 100 B, plain", False, {"qos": 1, "size": 100, "messages": 200000}),
]


class Mosquitto:
    def __init__(self, folder, server):
        self.tls_port, self.plain_port = 28883, 21883
        config = folder / "mosquitto.conf"
        data = server.data
        keep_user = "user root\n" if os.geteuid() == 0 else ""  # else it becomes a user who may not read the certificates
        config.write_text(
            f"{keep_user}per_listener_settings false\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
            f"listener {self.tls_port} 127.0.0.1\ncafile {server.endpoints['ca_file']}\ncertfile {data}/server.pem\nkeyfile {data}/server.key\nrequire_certificate true\n"
            f"listener {self.plain_port} 127.0.0.1\n"
        )
        log = folder / "mosquitto.log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen(["taskset", "-c", "0", "mosquitto", "-c", str(config)], stdout=out, stderr=out)
        time.sleep(1)
        if self.process.poll() is not None:
            sys.exit("mosquitto did not start: " + log.read_text())


def load(port, pid, tls, folder, options):
    command = ["taskset", "-c", "1", str(LOAD), "--host", "localhost", "--port", str(port), "--pid", str(pid)]
    if tls:
        command += ["--ca", str(folder / "RootCA.pem"), "--cert", str(folder / "bench-certificate.pem.crt"), "--key", str(folder / "bench-private.pem.key")]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    result = json.loads(done.stdout)
    if result["delivered"] != result["expected"]:
        sys.exit(f"{result['expected'] - result['delivered']} messages were not delivered: {' '.join(command)}")
    return result


def main():
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-") as folder:
        folder = pathlib.Path(folder)
        server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--mqtt-port", "0", "--log-level", "warn", "--shards", os.environ.get("BENCH_SHARDS", "1")).start()
        peer = None
        try:
            subprocess.run(["taskset", "-a", "-c", "-p", "0", str(server.process.pid)], check=True, stdout=subprocess.DEVNULL)
            server.provision("bench", folder / "bench")
            peer = Mosquitto(folder, server)
            version = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True).stdout.strip()
            print(f"{version} beside mosquitto; broker on core 0, generator on core 1; medians of {RUNS} runs; CPU is the broker's, per delivery")
            print(f"{'':30} {'deliveries/s':>25} {'ratio':>6} {'CPU us':>17} {'ratio':>6} {'p99 ms':>15}")
            only = sys.argv[1:]
            for name, tls, options in SCENARIOS:
                if only and not any(word in name for word in only):
                    continue
                ours, theirs = [], []
                for _ in range(RUNS):
                    port = server.endpoints["mqtts_port"] if tls else server.endpoints["mqtt_port"]
                    ours.append(load(port, server.process.pid, tls, folder / "bench", options))
                    theirs.append(load(peer.tls_port if tls else peer.plain_port, peer.process.pid, tls, folder / "bench", options))
                median = lambda results, key: statistics.median(result[key] for result in results)  # noqa: E731
                rate, peer_rate = median(ours, "per_second"), median(theirs, "per_second")
                cpu, peer_cpu = median(ours, "broker_cpu_us_per_delivery"), median(theirs, "broker_cpu_us_per_delivery")
                print(f"{name:30} {rate:12.0f} {peer_rate:12.0f} {rate / peer_rate:6.2f} {cpu:8.2f} {peer_cpu:8.2f} {cpu / peer_cpu:6.2f} "
                      f"{median(ours, 'p99_ms'):7.2f} {median(theirs, 'p99_ms'):7.2f}", flush=True)
        finally:
            if peer:
                peer.process.terminate()
            server.stop()


if __name__ == "__main__":
    main()
