"""A fleet in the registry: how fast are things created over the API, and does a look-up depend on how many there are?

Questions: CreateThing requests per second over signed HTTP with keep-alive (goal: 1,000/s on 2 cores, load generator included), the time of DescribeThing
at the first and at the last checkpoint, the server's memory at each. FLEET things (default 100,000), the first CERTIFICATES of them (default 2,000, making
one costs a key) with a certificate, a policy and an attachment. There is no rival: the figures at small fleets are what the large ones are compared with.
"""

import datetime
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import pathlib
import re
import statistics
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.support.fogbank_server import FogbankServer  # noqa: E402

FLEET = int(os.environ.get("FLEET", "100000"))
CERTIFICATES = int(os.environ.get("CERTIFICATES", "2000"))
WRITERS = int(os.environ.get("WRITERS", "16"))


class Client:
    """Just enough of SigV4, so that the generator costs little."""

    def __init__(self, endpoints):
        self.host = f"127.0.0.1:{endpoints['api_port']}"
        self.region, self.key, self.secret = endpoints["region"], endpoints["access_key_id"], endpoints["secret_access_key"]
        self.connection = http.client.HTTPConnection(self.host)
        self.day = None

    def signing_key(self, day):
        if day != self.day:
            key = ("AWS4" + self.secret).encode()
            for part in (day, self.region, "iot", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self.day, self.derived = day, key
        return self.derived

    def call(self, method, path, body=b"", headers=None):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        sent = {"host": self.host, "x-amz-date": now, **(headers or {})}
        names = ";".join(sorted(sent))
        plain, _, query = path.partition("?")
        canonical = "\n".join([method, plain, query, *(f"{name}:{sent[name]}" for name in sorted(sent)), "", names, hashlib.sha256(body).hexdigest()])
        scope = f"{now[:8]}/{self.region}/iot/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        signature = hmac.new(self.signing_key(now[:8]), text.encode(), hashlib.sha256).hexdigest()
        sent["authorization"] = f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        self.connection.request(method, path, body, sent)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {data[:300]}")
        return json.loads(data) if data else {}


def create(arguments):
    endpoints, begin, end = arguments
    client = Client(endpoints)
    for index in range(begin, end):
        client.call("POST", f"/things/device-{index:07}", json.dumps({"attributePayload": {"attributes": {"site": f"s{index % 100}"}}}).encode())


def equip(arguments):
    endpoints, begin, end = arguments
    client = Client(endpoints)
    for index in range(begin, end):
        certificate = client.call("POST", "/keys-and-certificate?setAsActive=true")
        arn = certificate["certificateArn"]
        client.call("PUT", "/target-policies/fleet", json.dumps({"target": arn}).encode())
        client.call("PUT", f"/things/device-{index:07}/principals", headers={"x-amzn-principal": arn})


def spread(function, endpoints, begin, end):
    edges = [begin + (end - begin) * n // WRITERS for n in range(WRITERS + 1)]
    started = time.monotonic()
    with multiprocessing.Pool(WRITERS) as pool:
        pool.map(function, [(endpoints, low, high) for low, high in zip(edges, edges[1:])])
    return (end - begin) / (time.monotonic() - started)


def describe_us(client, fleet):
    samples = []
    for number in range(1000):
        index = number * 7919 % fleet
        started = time.perf_counter()
        client.call("GET", f"/things/device-{index:07}")
        samples.append((time.perf_counter() - started) * 1e6)
    return statistics.median(samples)


def memory_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = FogbankServer(pathlib.Path(folder) / "data").start()
        endpoints = server.endpoints
        client = Client(endpoints)
        document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
        client.call("POST", "/policies/fleet", json.dumps({"policyDocument": document}).encode())
        print(f"{'things':>8} {'created/s':>10} {'describe us':>12} {'RSS MB':>8}")
        done = 0
        for checkpoint in (FLEET // 100, FLEET // 10, FLEET // 2, FLEET):
            rate = spread(create, endpoints, done, checkpoint)
            done = checkpoint
            print(f"{done:8} {rate:10.0f} {describe_us(client, done):12.0f} {memory_mb(server.process.pid):8.1f}", flush=True)
        rate = spread(equip, endpoints, 0, min(CERTIFICATES, FLEET))
        print(f"certificate + policy + attachment: {rate:.0f}/s for {min(CERTIFICATES, FLEET)}, RSS {memory_mb(server.process.pid):.1f} MB")
        assert server.stop() == 0


if __name__ == "__main__":
    main()
