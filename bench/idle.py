"""What an idle connection costs: resident memory of the broker, CPU of a connect, beside a bare OpenSSL server and the peers that are there.

Question: how many KiB does one more idle connection take, plain and with a client certificate, and does it stay so as they become many; how much
CPU is one full mutual handshake with CONNECT and CONNACK. Brokers on core 0, the client on core 1, one after the other. IDLE_STEPS sets the
numbers of connections; names on the command line (Fogbank, OpenSSL, mosquitto, FlashMQ) choose who is measured.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from bench.peers import peers  # noqa: E402
from tests.support.fogbank_server import FogbankServer  # noqa: E402

IDLE = REPOSITORY / "build-bench" / "bench" / "mqtt_idle"
STEPS = os.environ.get("IDLE_STEPS", "500,1000,2000,4000")
HOLD_S = os.environ.get("IDLE_HOLD_S", "0")


def measure(what, port, pid, files=None):
    command = ["taskset", "-c", "1", str(IDLE), "--host", "localhost", "--port", str(port), "--pid", str(pid), "--steps", STEPS, "--hold", HOLD_S]
    if files:
        command += ["--ca", files["ca"], "--cert", files["cert"], "--key", files["key"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        print(f"{what:28} failed: {done.stderr.strip()}")
        return
    for line in map(json.loads, done.stdout.splitlines()):
        if "connections" in line:
            print(f"{what:28} {line['connections']:7} connections {line['kib_per_connection']:8.2f} KiB each {line['broker_cpu_us_per_connect']:7.0f} us CPU a connect", flush=True)
        else:
            print(f"{what:28} idle: {line['idle_cpu_percent']:.2f} % of a core")


def bare(files, server_files):
    command = ["taskset", "-c", "0", str(IDLE), "--serve", "1", "--port", "29883", "--host", "127.0.0.1", "--ca", files["ca"], "--cert", server_files[0], "--key", server_files[1]]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        measure("bare OpenSSL, mTLS", 29883, process.pid, files)
    finally:
        process.kill()


def chosen(name):
    return len(sys.argv) == 1 or name in sys.argv[1:]


def main():
    with tempfile.TemporaryDirectory(prefix="fogbank-idle-") as folder:
        folder = pathlib.Path(folder)
        server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--mqtt-port", "0", "--log-level", "warn", "--shards", "1").start()
        others = []
        try:
            subprocess.run(["taskset", "-a", "-c", "-p", "0", str(server.process.pid)], check=True, stdout=subprocess.DEVNULL)
            server.provision("bench", folder / "bench")
            files = {"ca": str(folder / "bench" / "RootCA.pem"), "cert": str(folder / "bench" / "bench-certificate.pem.crt"), "key": str(folder / "bench" / "bench-private.pem.key")}
            if chosen("Fogbank"):
                measure("Fogbank, plain", server.endpoints["mqtt_port"], server.process.pid)
                server.stop()
                server.start()
                subprocess.run(["taskset", "-a", "-c", "-p", "0", str(server.process.pid)], check=True, stdout=subprocess.DEVNULL)
                measure("Fogbank, mTLS", server.endpoints["mqtts_port"], server.process.pid, files)
            if chosen("OpenSSL"):
                bare(files, (f"{server.data}/server.pem", f"{server.data}/server.key"))
            for peer in peers(folder, server):
                others.append(peer)
                if not chosen(peer.name):
                    peer.stop()
                    continue
                measure(f"{peer.name}, plain", peer.plain_port, peer.process.pid)
                peer.restart()
                measure(f"{peer.name}, mTLS", peer.tls_port, peer.process.pid, files)
                peer.stop()
        finally:
            for peer in others:
                peer.stop()
            server.stop()


if __name__ == "__main__":
    main()
