"""Does memory stay flat? Churn of connections, persistent sessions, subscriptions, queued and retained messages for SOAK_MINUTES (default 30), resident memory
printed once in SOAK_EVERY_S seconds (default 30).

Each worker of SOAK_WORKERS (default 16) connects, subscribes, publishes at QoS 0 and 1 (some retained, some for sessions that are away), leaves by DISCONNECT or by
closing the socket, comes back with or without its session, and clears what it retained. The set of names is fixed, so what the server may keep is bounded:
after the first minutes the figure should not grow. At the end: growth from the first third to the last.
"""
import os
import pathlib
import random
import socket
import sys
import tempfile
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

import paho.mqtt.client as mqtt  # noqa: E402

from tests.support.fogbank_server import FogbankServer  # noqa: E402

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
EVERY_S = float(os.environ.get("SOAK_EVERY_S", "30"))
WORKERS = int(os.environ.get("SOAK_WORKERS", "16"))
NAMES = 40  # client ids and topics of each worker: few enough that every session has met every topic long before the end


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no process")


class Worker(threading.Thread):
    def __init__(self, number, port, files, until):
        super().__init__(daemon=True)
        self.number, self.port, self.files, self.until = number, port, files, until
        self.random = random.Random(number)
        self.rounds = 0
        self.failures = 0

    def run(self):
        while time.monotonic() < self.until:
            try:
                self.round()
                self.rounds += 1
            except (OSError, ValueError, RuntimeError):
                self.failures += 1
                time.sleep(0.1)

    def round(self):
        name = f"w{self.number}-{self.random.randrange(NAMES)}"
        version = self.random.choice([mqtt.MQTTv311, mqtt.MQTTv5])
        options = {} if version == mqtt.MQTTv5 else {"clean_session": self.random.random() < 0.5}
        client = mqtt.Client(client_id=name, protocol=version, **options)
        if self.files:
            client.tls_set(*self.files)
        ready = threading.Event()
        client.on_connect = lambda *_: ready.set()
        client.will_set(f"soak/gone/{self.number}", name)
        client.connect("localhost", self.port)
        client.loop_start()
        try:
            if not ready.wait(10):
                raise RuntimeError("no CONNACK")
            client.subscribe(f"soak/{self.number}/{self.random.randrange(NAMES)}", 1)
            if self.random.random() < 0.5:
                client.subscribe(f"soak/{self.number}/+", 0)
            for _ in range(self.random.randint(1, 20)):
                topic = f"soak/{self.number}/{self.random.randrange(NAMES)}"
                retain = self.random.random() < 0.2
                payload = b"" if retain and self.random.random() < 0.5 else os.urandom(self.random.randint(1, 2000))
                client.publish(topic, payload, qos=self.random.randint(0, 1), retain=retain).wait_for_publish(10)
            if self.random.random() < 0.5:
                client.disconnect()
            elif client.socket():
                # The end that the network makes: no DISCONNECT. Not SSLSocket's own shutdown: after it the client's thread reads ciphertext as MQTT.
                socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)
        finally:
            client.loop_stop()


def main():
    with tempfile.TemporaryDirectory(prefix="fogbank-soak-") as folder:
        folder = pathlib.Path(folder)
        server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--mqtt-port", "0", "--log-level", "error").start()
        try:
            server.provision("soak", folder / "soak")
            files = (str(folder / "soak" / "RootCA.pem"), str(folder / "soak" / "soak-certificate.pem.crt"), str(folder / "soak" / "soak-private.pem.key"))
            began = time.monotonic()
            until = began + MINUTES * 60
            workers = [Worker(i, server.endpoints["mqtts_port" if i % 2 else "mqtt_port"], files if i % 2 else None, until) for i in range(WORKERS)]
            for worker in workers:
                worker.start()
            figures = []
            while time.monotonic() < until:
                time.sleep(min(EVERY_S, max(0.0, until - time.monotonic())))
                figures.append(rss_kib(server.process.pid))
                print(f"{time.monotonic() - began:7.0f} s  {figures[-1]:8} KiB  {sum(worker.rounds for worker in workers):8} rounds  {sum(worker.failures for worker in workers)} failures", flush=True)
            for worker in workers:
                worker.join(30)
            third = max(1, len(figures) // 3)
            first, last = max(figures[:third]), max(figures[-third:])
            print(f"highest in the first third {first} KiB, in the last {last} KiB: x{last / first:.3f}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
