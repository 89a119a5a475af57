"""DynamoDB's API over HTTP, keep-alive, 64 connections, SigV4 checked, durability on: Fogbank beside a bare server on the same SQLite, and beside dynalite.

Question: how many items are put, read, queried and updated a second, and how long does one take? The same signed requests are replayed against each.
The floor (bench/load/table_floor.cpp) parses no JSON and checks no signature; it has gets and puts only. dynalite runs if BENCH_DYNALITE names its folder
(`npm install dynalite` there). Each line is the median of BENCH_RUNS runs of BENCH_SECONDS seconds, the servers taken in turn.
"""

import json
import os
import pathlib
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.support.fogbank_server import BINARY, FogbankServer  # noqa: E402

LOAD = REPOSITORY / "build-bench" / "bench"
RUNS, SECONDS, CONNECTIONS = int(os.environ.get("BENCH_RUNS", "3")), float(os.environ.get("BENCH_SECONDS", "4")), 64
ITEMS, REQUESTS = 10_000, 8_000
REGION = "us-east-1"


def item(number, size):
    return {"k": {"S": f"p{number % 100}"}, "s": {"N": str(number)}, "text": {"S": "x" * size}, "v": {"N": "1"}}


def key(number):
    one = item(number, 0)
    return {"k": one["k"], "s": one["s"]}


def bodies(table, size):
    """Scenario to (operation, function from a number to a request)."""
    update = {"UpdateExpression": "SET v = v + :one", "ConditionExpression": "attribute_exists(k)", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    query = {"KeyConditionExpression": "k = :k AND s >= :s", "Limit": 20}
    return {
        "PutItem": ("PutItem", lambda n: {"TableName": table, "Item": item(n, size)}),
        "PutItem, 2 GSIs": ("PutItem", lambda n: {"TableName": table + ".gsi", "Item": {**item(n, size), "g": {"S": f"g{n % 50}"}, "h": {"S": f"h{n}"}}}),
        "GetItem": ("GetItem", lambda n: {"TableName": table, "Key": key(n)}),
        "Query 20 items": ("Query", lambda n: {"TableName": table, **query, "ExpressionAttributeValues": {":k": {"S": f"p{n % 100}"}, ":s": {"N": "0"}}}),
        "UpdateItem with a condition": ("UpdateItem", lambda n: {"TableName": table, "Key": key(n), **update}),
        "BatchWriteItem, 25 items": ("BatchWriteItem", lambda n: {"RequestItems": {table: [{"PutRequest": {"Item": item(n * 25 + i, size)}} for i in range(25)]}}),
    }


def write_requests(path, port, credentials, operation, make):
    """The file that http_replay reads. The signatures are good for some minutes."""
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(*credentials), "dynamodb", REGION)
    chance = random.Random(1)
    # Few items for writes, each time with other bytes all through: SQLite does not write a page that stays as it was.
    numbers = ITEMS if operation in ("GetItem", "Query") else ITEMS // 4
    with open(path, "wb") as out:
        for turn in range(REQUESTS):
            body = json.dumps(make(chance.randrange(numbers)), separators=(",", ":")).replace("xxxxxxxx", f"{turn:08d}")
            headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + operation, "Host": f"127.0.0.1:{port}"}
            request = botocore.awsrequest.AWSRequest("POST", f"http://127.0.0.1:{port}/", headers=headers, data=body)
            signer.add_auth(request)
            lines = [f"{name}: {value}" for name, value in request.headers.items()] + [f"Content-Length: {len(body)}"]
            text = ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n" + body).encode()
            out.write(struct.pack("<I", len(text)) + text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


def fill(port, credentials, table, size):
    """Makes both tables and puts all items into the first."""
    client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION, aws_access_key_id=credentials[0], aws_secret_access_key=credentials[1],
                          config=botocore.config.Config(retries={"total_max_attempts": 3}))
    keys = [{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]
    attributes = [{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}]
    client.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=keys, AttributeDefinitions=attributes)
    indexes = [{"IndexName": f"by-{name}", "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}} for name in "gh"]
    client.create_table(TableName=table + ".gsi", BillingMode="PAY_PER_REQUEST", KeySchema=keys, GlobalSecondaryIndexes=indexes,
                        AttributeDefinitions=attributes + [{"AttributeName": name, "AttributeType": "S"} for name in "gh"])
    for one in (table, table + ".gsi"):
        client.get_waiter("table_exists").wait(TableName=one, WaiterConfig={"Delay": 1})
    for first in range(0, ITEMS, 25):
        left = {table: [{"PutRequest": {"Item": item(number, size)}} for number in range(first, first + 25)]}
        while left:
            left = client.batch_write_item(RequestItems=left).get("UnprocessedItems")


def replay(port, path):
    done = subprocess.run([str(LOAD / "http_replay"), str(port), str(CONNECTIONS), str(SECONDS), str(path)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main():
    only = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-") as folder:
        folder = pathlib.Path(folder)
        fogbank = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--log-level", "warn").start()
        started = []
        try:
            servers = {"fogbank": (fogbank.endpoints["api_port"], (fogbank.endpoints["access_key_id"], fogbank.endpoints["secret_access_key"]))}
            port = free_port()
            started.append(subprocess.Popen([str(LOAD / "table_floor"), str(port), str(folder / "floor.db")]))
            servers["floor"] = (port, ("floor", "floor"))
            if os.environ.get("BENCH_DYNALITE"):
                port = free_port()
                program = pathlib.Path(os.environ["BENCH_DYNALITE"]) / "node_modules" / ".bin" / "dynalite"
                started.append(subprocess.Popen([str(program), "--port", str(port), "--path", str(folder / "dynalite"), "--createTableMs", "0"]))
                servers["dynalite"] = (port, ("dynalite", "dynalite"))
            for port, _ in servers.values():
                wait_for(port)
            version = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True).stdout.strip()
            print(f"{version}; {CONNECTIONS} connections, medians of {RUNS} runs in turn of {SECONDS:.0f} s; requests/s (p99 in ms)")
            for size in (200, 4096):
                table = f"bench{size}"
                for name, (port, credentials) in servers.items():
                    if name != "floor":
                        fill(port, credentials, table, size)
                        continue
                    write_requests(folder / f"{name}.requests", port, credentials, *bodies(table, size)["PutItem"])
                    replay(port, folder / f"{name}.requests")
                for scenario, (operation, make) in bodies(table, size).items():
                    if only and not any(word in scenario for word in only):
                        continue
                    rates = {}
                    asked = {name: place for name, place in servers.items() if name != "floor" or scenario in ("PutItem", "GetItem")}
                    results = {name: [] for name in asked}
                    for name, (port, credentials) in asked.items():
                        write_requests(folder / f"{name}.requests", port, credentials, operation, make)
                    for _ in range(RUNS):
                        for name, (port, _credentials) in asked.items():
                            results[name].append(replay(port, folder / f"{name}.requests"))
                    for name, runs in results.items():
                        rates[name] = (statistics.median(one["per_second"] for one in runs), statistics.median(one["p99_ms"] for one in runs))
                    shown = "  ".join(f"{name} {rate:9.0f} ({p99:7.2f})" for name, (rate, p99) in rates.items())
                    ratios = "  ".join(f"x{rates['fogbank'][0] / rate:.2f} of {name}" for name, (rate, _) in rates.items() if name != "fogbank")
                    print(f"{scenario + ', ' + str(size) + ' B':36} {shown}  {ratios}", flush=True)
        finally:
            for process in started:
                process.terminate()
            fogbank.stop()


if __name__ == "__main__":
    main()
