"""A fleet in the registry: how fast is it made over the API, and does anything that a device or an application waits for depend on how large it is?

Questions, at checkpoints of FLEET things (default 100,000):
- CreateThing requests a second over signed HTTP with keep-alive, and things a second with all that belongs to one: thing, certificate, policy attachment,
  principal attachment (goal: 1,000 things/s on 2 cores, load generator included);
- the time of DescribeThing, of a mutual TLS connect of a device never seen before up to its CONNACK (the handshake is most of it), and of SearchIndex by an
  attribute that ten things have, by a name's beginning and by a term that needs a look at each thing;
- the server's memory.
Requests are made and signed beforehand and replayed by bench/load/http_replay. Certificates are registered without a CA: with keys made by the server the figure
would be that of its RSA. There is no rival: the small fleet is what the large one is compared with.
"""

import concurrent.futures
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import re
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.support.fogbank_server import BINARY, FogbankServer  # noqa: E402

REPLAY = REPOSITORY / "build-bench" / "bench" / "http_replay"
FLEET, CONNECTIONS, SAMPLES, SECONDS = int(os.environ.get("FLEET", "100000")), 64, 300, 3
PER_SITE = 10  # things that share an attribute
NAMES = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "bench device")])


class Signer:
    """Just enough of SigV4: some 100,000 requests have to be signed."""

    def __init__(self, endpoints):
        self.host, self.region, self.key = f"127.0.0.1:{endpoints['api_port']}", endpoints["region"], endpoints["access_key_id"]
        self.secret, self.day, self.derived = endpoints["secret_access_key"], None, None

    def signing_key(self, day):
        if day != self.day:
            key = ("AWS4" + self.secret).encode()
            for part in (day, self.region, "iot", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self.day, self.derived = day, key
        return self.derived

    def request(self, method, path, body=None, headers=None):
        body = b"" if body is None else json.dumps(body).encode()
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        sent = {"host": self.host, "x-amz-date": now, **(headers or {})}
        names = ";".join(sorted(sent))
        plain, _, query = path.partition("?")
        signed_path = plain.replace("%", "%25")
        canonical = "\n".join([method, signed_path, query, *(f"{name}:{sent[name]}" for name in sorted(sent)), "", names, hashlib.sha256(body).hexdigest()])
        scope = f"{now[:8]}/{self.region}/iot/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        signature = hmac.new(self.signing_key(now[:8]), text.encode(), hashlib.sha256).hexdigest()
        sent["authorization"] = f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), f"content-length: {len(body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def name_of(index):
    return f"device-{index:07}"


def certificate_of(key, index):
    """One key signs all: a certificate is known by its own hash."""
    day = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder().subject_name(NAMES).issuer_name(NAMES).public_key(key.public_key()).serial_number(index + 1)
    return made.not_valid_before(day).not_valid_after(day.replace(year=2046)).sign(key, hashes.SHA256())


def requests_of(signer, key, account, begin, end):
    """The four rounds of a range of things (all requests of one may be sent before any of the next), and the certificates of the first."""
    rounds, pems = [[], [], [], []], {}
    for index in range(begin, end):
        certificate = certificate_of(key, index)
        arn = f"arn:aws:iot:{signer.region}:{account}:cert/{certificate.fingerprint(hashes.SHA256()).hex()}"
        attributes = {"site": f"s{index // PER_SITE}", "floor": str(index % 10)}
        rounds[0].append(signer.request("POST", "/things/" + name_of(index), {"attributePayload": {"attributes": attributes}}))
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        if len(pems) < SAMPLES:
            pems[index] = pem  # signing once more would give another one
        rounds[1].append(signer.request("POST", "/certificate/register-no-ca", {"certificatePem": pem, "status": "ACTIVE"}))
        rounds[2].append(signer.request("PUT", "/target-policies/fleet", {"target": arn}))
        rounds[3].append(signer.request("PUT", f"/things/{name_of(index)}/principals", headers={"x-amzn-principal": arn}))
    return [b"".join(struct.pack("<I", len(one)) + one for one in part) for part in rounds], pems


def requests_in_process(arguments):
    endpoints, key_pem, account, begin, end = arguments
    return requests_of(Signer(endpoints), serialization.load_pem_private_key(key_pem, None), account, begin, end)


class Fleet:
    def __init__(self, folder):
        self.folder = folder
        self.server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--log-level", "warn").start()
        self.signer = Signer(self.server.endpoints)
        self.iot = self.server.boto3("iot")
        self.iot.update_indexing_configuration(thingIndexingConfiguration={"thingIndexingMode": "REGISTRY"})
        document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
        self.account = self.iot.create_policy(policyName="fleet", policyDocument=document)["policyArn"].split(":")[4]
        self.pems = {}
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def replay(self, requests, count):
        path = self.folder / "requests"
        path.write_bytes(requests)
        done = subprocess.run([str(REPLAY), str(self.server.endpoints["api_port"]), str(CONNECTIONS), "0", str(path)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        answer = json.loads(done.stdout)
        assert answer["answers"] == count
        return count / answer["per_second"]

    def grow(self, begin, end):
        """Answers seconds per round."""
        took, step = [0.0] * 4, 20_000
        for low in range(begin, end, step):
            high = min(low + step, end)
            edges = [low + (high - low) * n // 2 for n in range(3)]
            with concurrent.futures.ProcessPoolExecutor(2) as pool:
                work = [(self.server.endpoints, self.key_pem, self.account, a, b) for a, b in zip(edges, edges[1:])]
                parts = list(pool.map(requests_in_process, work))
            for number in range(4):
                took[number] += self.replay(b"".join(rounds[number] for rounds, _ in parts), high - low)
            for _, pems in parts:
                self.pems.update(pems)
        return took

    def describe_us(self, fleet):
        requests = [self.signer.request("GET", "/things/" + name_of(number * 7919 % fleet)) for number in range(SAMPLES)]
        return self.one_by_one(requests)

    def search_us(self, query, samples):
        """`query`: from a number to a query."""
        return self.one_by_one([self.signer.request("POST", "/indices/search", {"queryString": query(number)}) for number in range(samples)])

    def one_by_one(self, requests):
        connection = socket.create_connection(("127.0.0.1", self.server.endpoints["api_port"]))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        samples, end = [], time.monotonic() + SECONDS
        for request in requests:
            if time.monotonic() > end:
                break
            started = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(1 << 16)
            while int(re.search(rb"(?i)content-length: *(\d+)", answer).group(1)) > len(answer) - answer.index(b"\r\n\r\n") - 4:
                answer += connection.recv(1 << 20)
            samples.append((time.perf_counter() - started) * 1e6)
            assert answer.startswith(b"HTTP/1.1 200"), answer
        connection.close()
        return statistics.median(samples)

    def connect_us(self, indexes):
        """Each of them connects for the first time."""
        samples = []
        for index in indexes:
            pem = self.folder / "device.pem"
            pem.write_bytes(self.key_pem + self.pems[index].encode())
            context = ssl.create_default_context(cafile=self.server.endpoints["ca_file"])
            context.load_cert_chain(pem)
            client_id = name_of(index).encode()
            connect = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack(">H", len(client_id)) + client_id
            started = time.perf_counter()
            with socket.create_connection(("127.0.0.1", self.server.endpoints["mqtts_port"])) as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with context.wrap_socket(plain, server_hostname="localhost") as line:
                    line.sendall(bytes([0x10, len(connect)]) + connect)
                    assert line.recv(4) == b"\x20\x02\x00\x00"
                    samples.append((time.perf_counter() - started) * 1e6)
        return statistics.median(samples)

    def memory_mb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()).group(1)) / 1024


def main():
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-") as folder:
        fleet = Fleet(pathlib.Path(folder))
        print(subprocess.run([str(BINARY), "--version"], capture_output=True, text=True).stdout.strip() + f"; {CONNECTIONS} connections; times are medians, one request at a time")
        print(f"{'things':>8} {'CreateThing/s':>13} {'whole/s':>8} {'describe us':>11} {'connect us':>10} {'by term us':>10} {'by prefix us':>12} {'by scan ms':>10} {'RSS MB':>7}")
        done = 0
        for checkpoint in sorted({max(FLEET // 100, PER_SITE), max(FLEET // 10, PER_SITE), FLEET}):
            took, made = fleet.grow(done, checkpoint), checkpoint - done
            # Each thing of a checkpoint is asked for once at most: the first of those that are new.
            connect = fleet.connect_us([index for index in fleet.pems if index >= done][:SAMPLES])
            describe = fleet.describe_us(checkpoint)
            by_term = fleet.search_us(lambda n: f"attributes.site:s{n * 31 % (checkpoint // PER_SITE)}", SAMPLES)
            by_prefix = fleet.search_us(lambda n: f"thingName:{name_of(n * 31 % checkpoint)[:-1]}*", SAMPLES)
            by_scan = fleet.search_us(lambda n: f"NOT thingName:device* AND attributes.floor:[{n} TO 5]", 3)
            done = checkpoint
            print(f"{done:8} {made / took[0]:13.0f} {made / sum(took):8.0f} {describe:11.0f} {connect:10.0f} {by_term:10.0f} {by_prefix:12.0f} {by_scan / 1000:10.1f} "
                  f"{fleet.memory_mb():7.1f}", flush=True)
            print(f"         a thing with all that belongs to it: {', '.join(f'{made / one:.0f}/s' for one in took)} "
                  "(CreateThing, RegisterCertificateWithoutCA, AttachPolicy, AttachThingPrincipal)", flush=True)
        assert fleet.server.stop() == 0
        fleet.server.start()
        print(f"after a restart: RSS {fleet.memory_mb():.1f} MB, connect {fleet.connect_us(list(fleet.pems)[:SAMPLES]):.0f} us, describe {fleet.describe_us(done):.0f} us")
        assert fleet.server.stop() == 0


if __name__ == "__main__":
    main()
