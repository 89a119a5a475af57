"""Delay below saturation, handshake storms, a second core, and what policies cost: what bench/mqtt.py's closed loops do not show.

Questions, each a section that may be named on the command line:
handshakes  CPU of a full mutual TLS 1.3 handshake with CONNECT and CONNACK, and how many a second, when sixteen clients connect at a time, beside a
          bare OpenSSL server of sixteen threads with the same keys, which verifies the chain each time: RSA-2048 at both ends, then P-256. In turn.
half      p99 of each broker at half of the highest rate that any peer reached in a closed loop of the same shape (open loop: the delay counts from when
          a message was due).
storm     p99 of established clients at a fixed rate, while eight others open mutual TLS connections as fast as they can.
cores     what a second shard is worth on 100 pairs: twice the CPU of a delivery with one shard over that with two. (The generator needs a core of this
          machine's two, so the rate itself cannot show it.)
policies  CPU of a delivery for a certificate with ten policies of 2 KB beside one with a single small one.
Brokers on core 0, generators on core 1 (cores: the broker on both). Medians of BENCH_RUNS runs, taken in turn.
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

from bench.mqtt import RUNS, load  # noqa: E402
from bench.peers import peers  # noqa: E402
from tests.support.fogbank_server import FogbankServer  # noqa: E402

IDLE = REPOSITORY / "build-bench" / "bench" / "mqtt_idle"
SHAPES = [
    ("1->1 qos 0, 100 B, plain", False, {"qos": 0, "size": 100, "messages": 200000}),
    ("1->1 qos 1, 100 B, plain", False, {"qos": 1, "size": 100, "messages": 100000}),
    ("100 pairs qos 1, 100 B, plain", False, {"qos": 1, "size": 100, "messages": 100000, "pairs": 100, "window": 20}),
    ("100 pairs qos 1, 100 B, mTLS", True, {"qos": 1, "size": 100, "messages": 60000, "pairs": 100, "window": 20}),
]
PAIRS = {"qos": 0, "size": 100, "messages": 1000000, "pairs": 100, "window": 20}
OPEN_LOOP_S = 3
CONNECTS, CONNECTS_AT_A_TIME = 1000, 16
BARE_PORT = 29883
STORM_S = 5
STORM_CLIENTS = 8


def median(values):
    return statistics.median(values)


def pin(server, cores="0"):
    subprocess.run(["taskset", "-a", "-c", "-p", cores, str(server.process.pid)], check=True, stdout=subprocess.DEVNULL)


def start_server(folder, shards="1", cores="0"):
    server = FogbankServer(folder, "--quota-profile", "relaxed", "--mqtt-port", "0", "--log-level", "warn", "--shards", shards).start()
    pin(server, cores)
    return server


def port_of(server, tls):
    return server.endpoints["mqtts_port"] if tls else server.endpoints["mqtt_port"]


def half(folder, server):
    others = []
    try:
        others = list(peers(folder, server))
        brokers = [("Fogbank", server.process.pid, lambda tls: port_of(server, tls))]
        brokers += [(peer.name, peer.process.pid, lambda tls, peer=peer: peer.tls_port if tls else peer.plain_port) for peer in others]
        for name, tls, options in SHAPES:
            highest = {broker: median([load(port(tls), pid, tls, folder / "bench", options)["per_second"] for _ in range(RUNS)]) for broker, pid, port in brokers}
            rate = int(max([value for broker, value in highest.items() if broker != "Fogbank"] or highest.values()) / 2)
            paced = {**options, "rate": rate, "window": 1000000, "messages": rate * OPEN_LOOP_S}
            out = f"{name:30} at {rate:7}/s"
            for broker, pid, port in brokers:
                results = [load(port(tls), pid, tls, folder / "bench", paced) for _ in range(RUNS)]
                out += f" | {broker:9} p50 {median([one['p50_ms'] for one in results]):6.3f} p99 {median([one['p99_ms'] for one in results]):7.3f} ms"
            print(out, flush=True)
    finally:
        for peer in others:
            peer.stop()


def storm(folder, server):
    paced = {"qos": 1, "size": 100, "pairs": 50, "rate": 2000, "window": 1000000, "messages": 2000 * STORM_S}
    files = folder / "bench"
    quiet, stormy, connects = [], [], []
    for run in range(RUNS):
        quiet.append(load(server.endpoints["mqtts_port"], server.process.pid, True, files, paced)["p99_ms"])
        # They give way to the load generator, which shares their core: what is measured is the broker.
        others = [subprocess.Popen(["nice", "-n", "19", "taskset", "-c", "1", str(IDLE), "--host", "localhost", "--port", str(server.endpoints["mqtts_port"]), "--pid", str(server.process.pid),
                                    "--steps", "100000", "--prefix", f"storm-{run}-{number}-", "--ca", str(files / "RootCA.pem"), "--cert", str(files / "bench-certificate.pem.crt"),
                                    "--key", str(files / "bench-private.pem.key")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for number in range(STORM_CLIENTS)]
        try:
            before = server_connects(server)
            result = load(server.endpoints["mqtts_port"], server.process.pid, True, files, paced)
            stormy.append(result["p99_ms"])
            connects.append((server_connects(server) - before) / result["seconds"])
        finally:
            for other in others:
                other.kill()
                other.wait()
    print(f"handshake storm: {median(connects):.0f} connects/s from {STORM_CLIENTS} at a time; established clients at 2,000 QoS 1 messages/s: p99 {median(stormy):.3f} ms, without it {median(quiet):.3f} ms", flush=True)


def server_connects(server):
    import urllib.request

    with urllib.request.urlopen(f"{server.endpoints['api_url']}/_fogbank/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("fogbank_broker_sockets_accepted_total"):
                return float(line.split()[-1])
    return 0.0


def cores(folder, _server):
    servers = []
    try:
        for shards, where in (("1", "0"), ("2", "0,1")):
            servers.append(start_server(folder / f"shards-{shards}", shards, where))
        for qos in (0, 1):
            one, two = [], []
            for _ in range(RUNS):
                for server, figures in zip(servers, (one, two)):
                    figures.append(load(server.endpoints["mqtt_port"], server.process.pid, False, folder / "bench", {**PAIRS, "qos": qos})["broker_cpu_us_per_delivery"])
            print(f"100 pairs qos {qos}, plain: {median(one):.2f} us a delivery with one shard, {median(two):.2f} with two: a second core is worth x{2 * median(one) / median(two):.2f}", flush=True)
    finally:
        for server in servers:
            server.stop()


def policies(folder, server):
    iot = server.boto3("iot")
    statement = {"Effect": "Deny", "Action": ["iot:Publish", "iot:Subscribe"], "Resource": [f"arn:aws:iot:*:*:topic/forbidden/{i}/*/${{iot:ClientId}}" for i in range(34)]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}, statement]}, separators=(",", ":"))
    server.provision("heavy", folder / "heavy")
    certificate = [one["certificateArn"] for one in iot.list_certificates(ascendingOrder=False)["certificates"]][0]
    for i in range(9):
        iot.create_policy(policyName=f"heavy-{i}", policyDocument=document)
        iot.attach_policy(policyName=f"heavy-{i}", target=certificate)
    for name in ("RootCA.pem", "certificate.pem.crt", "private.pem.key"):
        source = folder / "heavy" / (name if name == "RootCA.pem" else f"heavy-{name}")
        (folder / "heavy" / (name if name == "RootCA.pem" else f"bench-{name}")).write_bytes(source.read_bytes())
    light, heavy = [], []
    for _ in range(RUNS):
        light.append(load(server.endpoints["mqtts_port"], server.process.pid, True, folder / "bench", PAIRS)["broker_cpu_us_per_delivery"])
        heavy.append(load(server.endpoints["mqtts_port"], server.process.pid, True, folder / "heavy", PAIRS)["broker_cpu_us_per_delivery"])
    print(f"100 pairs qos 0, mTLS: {median(light):.3f} us a delivery with one policy, {median(heavy):.3f} with ten of {len(document)} bytes: x{median(heavy) / median(light):.3f}", flush=True)


def openssl(command, folder):
    subprocess.run(["bash", "-ec", command], cwd=folder, check=True, capture_output=True)


def use_p256(server, files):
    """New keys for the client and, after a restart, the server; names and issuers stay."""
    openssl("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out bench-private.pem.key; openssl req -new -key bench-private.pem.key -subj /CN=bench -out bench.csr", files)
    iot = server.boto3("iot")
    made = iot.create_certificate_from_csr(certificateSigningRequest=(files / "bench.csr").read_text(), setAsActive=True)
    (files / "bench-certificate.pem.crt").write_text(made["certificatePem"])
    iot.attach_policy(policyName="bench-policy", target=made["certificateArn"])
    server.stop()
    openssl("echo subjectAltName=DNS:localhost,IP:127.0.0.1 > san; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out server.key; "
            "openssl req -new -key server.key -subj /CN=localhost -out server.csr; "
            "openssl x509 -req -in server.csr -CA root-ca.pem -CAkey root-ca.key -days 300 -extfile san -out server.pem", server.data)
    server.start()
    pin(server)


def connects(port, pid, files, prefix):
    done = subprocess.run(["taskset", "-c", "1", str(IDLE), "--host", "localhost", "--port", str(port), "--pid", str(pid), "--steps", str(CONNECTS), "--settle", "0", "--prefix", prefix,
                           "--parallel", str(CONNECTS_AT_A_TIME), "--ca", str(files / "RootCA.pem"), "--cert", str(files / "bench-certificate.pem.crt"), "--key", str(files / "bench-private.pem.key")],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def handshakes(folder, _server):
    server = start_server(folder / "handshakes")
    files = folder / "handshake-files"
    try:
        server.provision("bench", files)
        for keys in ("RSA-2048", "P-256"):
            if keys == "P-256":
                use_p256(server, files)
            bare = subprocess.Popen(["taskset", "-c", "0", str(IDLE), "--serve", str(CONNECTS_AT_A_TIME), "--port", str(BARE_PORT), "--host", "127.0.0.1", "--ca", str(files / "RootCA.pem"),
                                     "--cert", f"{server.data}/server.pem", "--key", f"{server.data}/server.key"], stderr=subprocess.DEVNULL)
            try:
                connects(server.endpoints["mqtts_port"], server.process.pid, files, "warm")
                connects(BARE_PORT, bare.pid, files, "warm")
                ours, theirs = [], []
                for run in range(RUNS):
                    ours.append(connects(server.endpoints["mqtts_port"], server.process.pid, files, f"{keys}-{run}-"))
                    theirs.append(connects(BARE_PORT, bare.pid, files, f"{keys}-{run}-"))
            finally:
                bare.kill()
                bare.wait()
            cpu = [median([one["broker_cpu_us_per_connect"] for one in side]) for side in (ours, theirs)]
            rate = [median([one["connects_per_second"] for one in side]) for side in (ours, theirs)]
            print(f"mutual TLS 1.3 with {keys} to CONNACK: {cpu[0]:.0f} us of CPU and {rate[0]:.0f}/s, bare OpenSSL {cpu[1]:.0f} us and {rate[1]:.0f}/s: x{cpu[0] / cpu[1]:.2f} CPU", flush=True)
    finally:
        server.stop()


SECTIONS = {"handshakes": handshakes, "half": half, "storm": storm, "cores": cores, "policies": policies}


def main():
    chosen = sys.argv[1:] or list(SECTIONS)
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-") as folder:
        folder = pathlib.Path(folder)
        server = start_server(folder / "data")
        try:
            server.provision("bench", folder / "bench")
            for section in chosen:
                SECTIONS[section](folder, server)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
