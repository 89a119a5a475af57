"""The brokers that Fogbank is measured beside: those that are on PATH or named by an environment variable (MOSQUITTO, FLASHMQ,
NANOMQ); of them those in BENCH_PEERS (`FlashMQ,mosquitto`), if it is set."""

import os
import shutil
import socket
import subprocess
import sys
import time

START_DEADLINE_S = 15


class Peer:
    """One broker on core 0, plain and with mutual TLS, without access lists. `start` before use; restarting empties it."""

    name, variable, program = "", "", ""
    options = ["--config-file"]
    tls_port, plain_port = 0, 0

    def __init__(self, folder, server):
        self.folder, self.data, self.ca = folder, server.data, server.endpoints["ca_file"]
        self.process = None
        self.binary = os.environ.get(self.variable) or shutil.which(self.program, path=os.environ.get("PATH", "") + ":/usr/sbin")

    def start(self):
        config = self.folder / f"{self.program}.conf"
        config.write_text(self.configuration())
        log = self.folder / f"{self.program}.log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen(["taskset", "-c", "0", self.binary, *self.options, str(config)], stdout=out, stderr=out)
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.stop()
        sys.exit(f"{self.name} did not start: {log.read_text()}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def restart(self):
        self.stop()
        return self.start()


class Mosquitto(Peer):
    name, variable, program = "mosquitto", "MOSQUITTO", "mosquitto"
    options = ["-c"]
    tls_port, plain_port = 28883, 21883

    def configuration(self):
        keep_user = "user root\n" if os.geteuid() == 0 else ""  # else it becomes a user who may not read the certificates
        return (f"{keep_user}per_listener_settings false\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
                f"listener {self.tls_port} 127.0.0.1\ncafile {self.ca}\ncertfile {self.data}/server.pem\nkeyfile {self.data}/server.key\nrequire_certificate true\n"
                f"listener {self.plain_port} 127.0.0.1\n")


class FlashMQ(Peer):
    name, variable, program = "FlashMQ", "FLASHMQ", "flashmq"
    tls_port, plain_port = 28884, 21884

    def configuration(self):
        def listen(port, lines):
            return f"listen {{\n  protocol mqtt\n  inet_protocol ip4\n  inet4_bind_address 127.0.0.1\n  port {port}\n{lines}}}\n"

        return (f"thread_count {os.environ.get('BENCH_SHARDS', '1')}\nallow_anonymous true\nlog_level warning\nmax_qos_msg_pending_per_client 65535\n"
                f"max_qos_bytes_pending_per_client 2000000000\nclient_max_write_buffer_size 16777216\n"
                + listen(self.plain_port, "")
                + listen(self.tls_port, f"  fullchain {self.data}/server.pem\n  privkey {self.data}/server.key\n  client_verification_ca_file {self.ca}\n"))


class NanoMQ(Peer):
    name, variable, program = "NanoMQ", "NANOMQ", "nanomq"
    options = ["start", "--conf"]
    tls_port, plain_port = 28885, 21885

    def configuration(self):
        return (f'mqtt {{ max_packet_size = 1MB, max_mqueue_len = 65000, retry_interval = 100s }}\nlisteners.tcp {{ bind = "127.0.0.1:{self.plain_port}" }}\n'
                f'listeners.ssl {{ bind = "127.0.0.1:{self.tls_port}", keyfile = "{self.data}/server.key", certfile = "{self.data}/server.pem", cacertfile = "{self.ca}", '
                f'verify_peer = true, fail_if_no_peer_cert = true }}\nlog {{ to = [console], level = error }}\nauth {{ allow_anonymous = true, no_match = allow, deny_action = ignore }}\n')


def peers(folder, server):
    """Those that can be run, started. The caller stops them."""
    wanted = os.environ.get("BENCH_PEERS", "mosquitto,FlashMQ,NanoMQ").split(",")
    for kind in (kind for kind in (Mosquitto, FlashMQ, NanoMQ) if kind.name in wanted):
        peer = kind(folder, server)
        if peer.binary:
            yield peer.start()
