"""A table of many items over HTTP: does it load at a steady rate, are reads and pages of the large table those of a small one, does memory stay put?

Loads BENCH_ITEMS million (default 10) items of 300 bytes through BatchWriteItem, half of them in one partition, the rest in partitions of ten. Then
compares point reads with those of a table of 10,000 items, pages over the one large partition (1 MB pages, the rate of each tenth), and prints the server's
resident memory along the way. Durability is on; the signed requests are replayed by bench/load/http_replay.
"""

import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import boto3
import botocore.config

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
sys.path.insert(0, str(REPOSITORY / "bench"))

import table as bench  # noqa: E402  (its request writer and settings)
from tests.support.fogbank_server import BINARY, FogbankServer  # noqa: E402

ITEMS = int(float(os.environ.get("BENCH_ITEMS", "10")) * 1_000_000)
SMALL, BATCH, SECONDS = 10_000, 25, float(os.environ.get("BENCH_SECONDS", "4"))
LOADERS = 4


def key(number):
    """Odd ones lie in one partition, even ones in partitions of ten."""
    return {"k": {"S": "all" if number % 2 else f"p{number // 20}"}, "s": {"N": str(number)}}


def item(number):
    return {**key(number), "text": {"S": "x" * 270}}  # 300 bytes as DynamoDB counts


def rss_mb(pid):
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


def make_table(client, name):
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
                        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}])
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


def put_signed(port, credentials, table, numbers):
    """Batches by hand: botocore builds them ten times slower than the server takes them."""
    import hashlib
    import hmac
    import http.client

    def sign(secret, text):
        return hmac.new(secret, text.encode(), hashlib.sha256).digest()

    connection = http.client.HTTPConnection("127.0.0.1", port)
    for first in range(numbers.start, numbers.stop, BATCH):
        requests = [{"PutRequest": {"Item": item(number)}} for number in range(first, min(first + BATCH, numbers.stop))]
        body = json.dumps({"RequestItems": {table: requests}}, separators=(",", ":"))
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {"content-type": "application/x-amz-json-1.0", "host": f"127.0.0.1:{port}", "x-amz-date": now, "x-amz-target": "DynamoDB_20120810.BatchWriteItem"}
        signed = ";".join(headers)
        canonical = "POST\n/\n\n" + "".join(f"{name}:{value}\n" for name, value in headers.items()) + f"\n{signed}\n{hashlib.sha256(body.encode()).hexdigest()}"
        scope = f"{now[:8]}/{bench.REGION}/dynamodb/aws4_request"
        secret = ("AWS4" + credentials[1]).encode()
        for part in scope.split("/"):
            secret = sign(secret, part)
        signature = sign(secret, f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}").hex()
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credentials[0]}/{scope}, SignedHeaders={signed}, Signature={signature}"
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(text)


def load(port, credentials, table, count):
    """Several connections at a time, in processes of their own, for the signing is the dearer half."""
    step = -(-count // (LOADERS * BATCH)) * BATCH
    workers = []
    for first in range(0, count, step):
        pid = os.fork()
        if pid == 0:
            try:
                put_signed(port, credentials, table, range(first, min(first + step, count)))
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 (a forked child must not come back)
                print(error, file=sys.stderr)
                os._exit(1)
        workers.append(pid)
    if any(os.waitpid(pid, 0)[1] for pid in workers):
        sys.exit("loading failed")


def point_reads(folder, port, credentials, table, count):
    path = folder / "reads"
    chance = random.Random(2)
    bench.ITEMS, saved = count, bench.ITEMS
    bench.write_requests(path, port, credentials, "GetItem", lambda _: {"TableName": table, "Key": key(chance.randrange(count))})
    bench.ITEMS = saved
    results = [bench.replay(port, path) for _ in range(3)]
    return statistics.median(one["per_second"] for one in results), results


def page_rates(client, table):
    """Items a second of each tenth of the pages over the large partition."""
    times = [(0, time.perf_counter())]
    seen, start = 0, {}
    while True:
        page = client.query(TableName=table, KeyConditionExpression="k = :k", ExpressionAttributeValues={":k": {"S": "all"}}, Select="COUNT", **start)
        seen += page["Count"]
        times.append((seen, time.perf_counter()))
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    tenth = max(1, len(times) // 10)
    marks = times[::tenth]
    return seen, [round((b[0] - a[0]) / (b[1] - a[1])) for a, b in zip(marks, marks[1:]) if b[1] > a[1]]


def main():
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
        folder = pathlib.Path(folder)
        server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--log-level", "warn").start()
        try:
            port, pid = server.endpoints["api_port"], server.process.pid
            credentials = (server.endpoints["access_key_id"], server.endpoints["secret_access_key"])
            client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}", region_name=bench.REGION, aws_access_key_id=credentials[0],
                                  aws_secret_access_key=credentials[1], config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=120))
            version = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True).stdout.strip()
            print(f"{version}; {ITEMS:,} items of 300 bytes; at the start {rss_mb(pid)[0]:.0f} MB resident", flush=True)
            for name, count in (("small", SMALL), ("large", ITEMS)):
                make_table(client, name)
                begun = time.perf_counter()
                load(port, credentials, name, count)
                seconds = time.perf_counter() - begun
                now, peak = rss_mb(pid)
                print(f"{name}: loaded in {seconds:.1f} s, {count / seconds:,.0f} items/s; {now:.0f} MB resident, at most {peak:.0f}", flush=True)
            rates = {}
            for name, count in (("small", SMALL), ("large", ITEMS)):
                rates[name], results = point_reads(folder, port, credentials, name, count)
                print(f"{name}: {rates[name]:,.0f} point reads/s, {[round(one['per_second']) for one in results]}", flush=True)
            print(f"point reads on the large table take {rates['small'] / rates['large']:.2f} times those on the small one")
            seen, tenths = page_rates(client, "large")
            print(f"{seen:,} items of one partition in 1 MB pages; items/s by tenths: {tenths}")
            now, peak = rss_mb(pid)
            size = sum(file.stat().st_size for file in (folder / "data").glob("fogbank.db*")) / 1e6
            print(f"at the end {now:.0f} MB resident, at most {peak:.0f}; the store is {size:,.0f} MB on disk")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
