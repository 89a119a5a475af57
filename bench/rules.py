"""From a publish to a row: QoS 1 publishes over mutual TLS, a rule with WHERE and five selected fields, dynamoDBv2, durable rows.

Question: how many samples a second become rows that survive a power loss, and how long does a device wait for its PUBACK, which leaves after the commit?
Server (durability `power-loss-safe`, profile `relaxed`, policies on) and generator share the machine. First as fast as the windows allow, then at half of
that and at 10,000 a second. Medians of BENCH_RUNS runs. Goals of issue 5: >= 20,000 rows/s on 2 cores, p99 < 50 ms at half of that. The floor beside it:
the same records straight into SQLite, in transactions of as many as the engine committed together on average.
"""

import json
import os
import pathlib
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.support.fogbank_server import BINARY, FogbankServer  # noqa: E402

PROGRAMS = REPOSITORY / "build-bench" / "bench"
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "150000"))
SQL = "SELECT device, number, temperature, color, pressure FROM 'load/+' WHERE temperature > 50"


def output(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
    return json.loads(done.stdout)


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.server = FogbankServer(folder / "data", "--quota-profile", "relaxed", "--log-level", "warn").start()
        self.server.provision("bench", folder / "bench")
        self.run_number = 0
        self.tables, self.rules = self.server.boto3("dynamodb"), self.server.boto3("iot")
        self.rules.create_topic_rule(ruleName="rows", topicRulePayload=self.rule_into("Rows0"))

    @staticmethod
    def rule_into(table):
        action = {"dynamoDBv2": {"roleArn": "arn:aws:iam::000000000000:role/r", "putItem": {"tableName": table}}}
        return {"sql": SQL, "awsIotSqlVersion": "2016-03-23", "actions": [action]}

    def new_table(self):
        """The devices send the same samples in each run: into a table that has them already, nothing would be written."""
        self.run_number += 1
        table = f"Rows{self.run_number}"
        self.tables.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "device", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
                                 AttributeDefinitions=[{"AttributeName": "device", "AttributeType": "S"}, {"AttributeName": "number", "AttributeType": "N"}])
        self.tables.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        self.rules.replace_topic_rule(ruleName="rows", topicRulePayload=self.rule_into(table))

    def metric(self, name):
        text = urllib.request.urlopen(self.server.endpoints["api_url"] + "/_fogbank/metrics").read().decode()
        return int(re.search(rf"^{re.escape(name)} (\d+)", text, re.M).group(1))

    def load(self, messages, rate=0):
        self.new_table()
        files = {"ca": "RootCA.pem", "cert": "bench-certificate.pem.crt", "key": "bench-private.pem.key"}
        options = {"port": self.server.endpoints["mqtts_port"], "pairs": 16, "subscribers": 0, "qos": 1, "messages": messages, "rate": rate,
                   "pid": self.server.process.pid, **{name: self.folder / "bench" / file for name, file in files.items()}}
        groups, rows = self.metric("fogbank_store_kv_groups_total"), self.metric('fogbank_rules_succeeded_total{rule="rows"}')
        result = output([PROGRAMS / "mqtt_load", *(part for name, value in options.items() for part in (f"--{name}", value))])
        result["group"] = result["delivered"] / max(1, self.metric("fogbank_store_kv_groups_total") - groups)
        made = self.metric('fogbank_rules_succeeded_total{rule="rows"}') - rows
        if not result["delivered"] == result["expected"] == made:
            sys.exit(f"{result['expected']} messages, {result['delivered']} acknowledged, {made} rows")
        return result

    def floor(self, messages, group):
        """Records of the size of ours (read from the database), committed in groups of the same size."""
        database = sqlite3.connect(f"file:{self.server.data / 'fogbank.db'}?mode=ro", uri=True)
        table = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                 if {"key", "value"} <= {column[1] for column in database.execute(f"PRAGMA table_info({name})")}][0]
        size = round(database.execute(f"SELECT avg(length(key) + length(value)) FROM (SELECT key, value FROM {table} ORDER BY length(value) DESC LIMIT 1000)").fetchone()[0])
        return output([PROGRAMS / "shadow_load", "--mode", "floor", "--file", self.folder / "floor.db", "--shadows", messages,
                       "--requests", messages, "--bytes", size, "--group", max(1, round(group))])


def median(results, key):
    return statistics.median(result[key] for result in results)


def line(name, results):
    print(f"{name:22} {median(results, 'per_second'):10.0f} {median(results, 'p50_ms'):8.2f} {median(results, 'p99_ms'):8.2f} "
          f"{median(results, 'broker_cpu_us_per_delivery'):12.1f} {median(results, 'load_cpu_us_per_delivery'):12.1f} {median(results, 'group'):8.1f}", flush=True)


def main():
    with tempfile.TemporaryDirectory(prefix="rules-bench-", dir=os.environ.get("BENCH_FOLDER", str(REPOSITORY))) as folder:
        bench = Bench(pathlib.Path(folder))
        try:
            version = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True).stdout.strip()
            print(f"{version}; server and generator on {os.cpu_count()} cores; medians of {RUNS} runs")
            print(f"{'':22} {'rows/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'server us':>12} {'generator us':>12} {'group':>8}")
            fastest = [bench.load(MESSAGES) for _ in range(RUNS)]
            line("as fast as possible", fastest)
            half = round(median(fastest, "per_second") / 2)
            for rate in (half, 10_000):
                line(f"at {rate:,} a second", [bench.load(rate * 4, rate) for _ in range(RUNS)])
            if (PROGRAMS / "shadow_load").exists():
                floor = bench.floor(MESSAGES, median(fastest, "group"))["per_second"]
                print(f"{'SQLite alone':22} {floor:10.0f}   ratio {median(fastest, 'per_second') / floor:.2f}")
        finally:
            bench.server.stop()


if __name__ == "__main__":
    main()
