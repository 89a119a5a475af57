"""The main job, as a scenario: two gateways, their rules, handlers and tables, and the replay of a recorded shift.

Used by `./dev demo`, which shows it, and by test_plant.py, which checks it.
"""

import collections
import datetime
import json
import pathlib
import socket
import threading
import time

RECORDING = pathlib.Path(__file__).with_name("data") / "plant_recording.jsonl"
ROLE = "arn:aws:iam::000000000000:role/fogbank-plant"
ACK_DEADLINE_S = 60
ROWS_DEADLINE_S = 60

TABLES = {
    "Secomea": [("date_time", "S", "HASH")],
    "RawSamples": [("collector", "S", "HASH"), ("sample_time", "S", "RANGE")],
    "InHandSamples": [("device", "S", "HASH"), ("timestamp", "N", "RANGE")],
}
FUNCTIONS = {"writeToDynamoDB": "write_to_dynamodb.so", "inhandSamples": "inhand_samples.so"}
RULES = {
    "secomea_to_handler": ("SELECT * FROM 'secomea/#'", "lambda", "writeToDynamoDB"),
    "secomea_raw": (
        "SELECT collector, sample_time, pressure, temperature, topic() AS topic, clientid() AS gateway FROM 'secomea/#' WHERE isUndefined(collector) = false",
        "dynamoDBv2", "RawSamples",
    ),
    "inhand_to_handler": ("SELECT * FROM 'awsiot/test'", "lambda", "inhandSamples"),
}


def load_recording():
    return [json.loads(line) for line in RECORDING.read_text().splitlines()]


def set_up(server, examples):
    """Tables, functions and rules, with an unmodified boto3."""
    dynamodb, functions, iot = server.boto3("dynamodb"), server.boto3("lambda"), server.boto3("iot")
    for table, keys in TABLES.items():
        dynamodb.create_table(
            TableName=table, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": role} for name, _, role in keys],
        )
        dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    arns = {}
    for name, file in FUNCTIONS.items():
        made = functions.create_function(
            FunctionName=name, Runtime="fogbank-cpp", Role=ROLE, Handler=file,
            Code={"S3Bucket": "fogbank-local-path", "S3Key": str(pathlib.Path(examples) / file)},
        )
        arns[name] = made["FunctionArn"]
    for name, (sql, action, target) in RULES.items():
        if action == "lambda":
            body = {"lambda": {"functionArn": arns[target]}}
        else:
            body = {"dynamoDBv2": {"roleArn": ROLE, "putItem": {"tableName": target}}}
        iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": sql, "awsIotSqlVersion": "2016-03-23", "actions": [body]})


class Gateway:
    """One gateway: publishes at QoS 1, keeps what was not acknowledged and sends it again after a reconnect, as real ones do."""

    def __init__(self, server, folder, name):
        self.server, self.folder, self.name = server, folder, name
        self.lock = threading.Lock()
        self.under_way = collections.OrderedDict()  # packet id -> (topic, payload, note)
        self.backlog = collections.deque()          # to be sent (again) in this order
        self.acknowledged = []                      # notes of what got its PUBACK
        self.early = set()                          # packet ids acknowledged before `publish` could note them
        self.client = None
        self.changed = threading.Condition(self.lock)

    def connect(self, deadline_s=30):
        client = self.server.mqtt_client(self.folder, self.name)
        client.max_inflight_messages_set(50)
        client.max_queued_messages_set(0)
        ready = threading.Event()
        client.on_connect = lambda _c, _u, _f, code: ready.set() if code == 0 else None
        client.on_publish = self._on_publish
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                client.connect(self.server.endpoints["endpoint_name"], self.server.endpoints["mqtts_port"], keepalive=60)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        client.loop_start()
        if not ready.wait(max(0.1, deadline - time.monotonic())):
            client.loop_stop()
            raise TimeoutError(f"gateway {self.name}: no CONNACK")
        with self.lock:
            again = list(self.under_way.values())
            self.under_way.clear()
            self.early.clear()
        self.client = client
        for topic, payload, note in again:
            self.publish(topic, payload, note)
        while self.backlog:
            self.publish(*self.backlog.popleft())

    def publish(self, topic, payload, note=None):
        if self.client is None:
            self.backlog.append((topic, payload, note))
            return
        # Not under our lock: paho calls on_publish while it holds locks that publish takes.
        info = self.client.publish(topic, payload, qos=1)
        with self.lock:
            if info.mid in self.early:
                self.early.remove(info.mid)
                self.acknowledged.append(note)
            else:
                self.under_way[info.mid] = (topic, payload, note)

    def _on_publish(self, _client, _user, mid):
        with self.changed:
            entry = self.under_way.pop(mid, None)
            if entry:
                self.acknowledged.append(entry[2])
            else:
                self.early.add(mid)
            self.changed.notify_all()

    def wait_until_acknowledged(self, at_most_under_way=0, deadline_s=ACK_DEADLINE_S):
        deadline = time.monotonic() + deadline_s
        with self.changed:
            while len(self.under_way) > at_most_under_way:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"gateway {self.name}: {len(self.under_way)} messages without PUBACK")
                self.changed.wait(min(left, 0.5))

    def drop_uplink(self):
        """The cable is pulled: no DISCONNECT. What was under way is sent again after the reconnect."""
        client, self.client = self.client, None
        if client is None:
            return
        client.on_publish = None
        sock = client.socket()
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        client.loop_stop()

    def disconnect(self):
        self.wait_until_acknowledged()
        client, self.client = self.client, None
        client.disconnect()
        client.loop_stop()


def replay(recording, gateways, progress=lambda text: None):
    """Plays the events as fast as they are acknowledged. Returns messages sent per gateway."""
    sent = collections.Counter()
    for event in recording:
        gateway = gateways[event["gateway"]]
        if event["do"] == "connect":
            gateway.connect()
            progress(f"{event['gateway']}: connected")
        elif event["do"] == "disconnect":
            progress(f"{event['gateway']}: {event['why']} after {sent[event['gateway']]} messages")
            if event["why"] == "uplink lost":
                gateway.drop_uplink()
            else:
                gateway.disconnect()
        else:
            gateway.publish(event["topic"], json.dumps(event["payload"]), event)
            sent[event["gateway"]] += 1
            gateway.wait_until_acknowledged(at_most_under_way=40)
    return sent


def expected_rows(recording):
    """What must be in the tables: table -> set of row identities."""
    rows = {"Secomea": set(), "RawSamples": set(), "InHandSamples": set()}
    for event in recording:
        if event["do"] != "publish":
            continue
        if event["gateway"] == "secomea":
            sample = event["payload"]
            rows["RawSamples"].add((sample["collector"], sample["sample_time"]))
            rows["Secomea"].add((sample["collector"], sample["sample_time"]))
        else:
            for sample in event["payload"]:
                rows["InHandSamples"].add((sample["Device"], repr(float(sample["timestamp"]))))
    return rows


def identity(table, item):
    """A row's identity, and a complaint if its content is not that of a sample."""
    if table == "InHandSamples":
        return (item["device"]["S"], repr(float(item["timestamp"]["N"])))
    return (item["collector"]["S"], item["sample_time"]["S"])


def rows_by_cli(server, table):
    """All rows of a table, read with the AWS CLI (which follows the pages)."""
    return server.aws("dynamodb", "scan", "--table-name", table)["Items"]


def wait_for_rows(server, expected, deadline_s=ROWS_DEADLINE_S):
    """PUBACK says that a message will be processed, not that it has been: waits until all rows are there. Returns table -> items."""
    deadline = time.monotonic() + deadline_s
    dynamodb = server.boto3("dynamodb")
    while time.monotonic() < deadline:
        counts = {table: sum(page["Count"] for page in dynamodb.get_paginator("scan").paginate(TableName=table, Select="COUNT")) for table in expected}
        if all(counts[table] >= len(rows) for table, rows in expected.items()):
            break
        time.sleep(0.1)
    return {table: rows_by_cli(server, table) for table in expected}


def content_errors(recording, items):
    """Compares the values of every row with the sample it came from; returns complaints."""
    samples = {}
    for event in recording:
        if event["do"] == "publish":
            for sample in event["payload"] if isinstance(event["payload"], list) else [event["payload"]]:
                key = (sample["Device"], repr(float(sample["timestamp"]))) if "Device" in sample else (sample["collector"], sample["sample_time"])
                samples[key] = sample
    complaints = []
    for table, rows in items.items():
        for item in rows:
            sample = samples.get(identity(table, item))
            values = (sample or {}).get("Data", sample) or {}
            for name, value in values.items():
                if not same(item.get(name), value):
                    complaints.append(f"{table} {identity(table, item)}: {name} is {item.get(name)}, sent {value!r}")
            if table == "Secomea" and not is_date_time(item["date_time"]["S"]):
                complaints.append(f"Secomea: date_time {item['date_time']}")
    return complaints


def same(attribute, value):
    if attribute is None:
        return False
    if isinstance(value, bool):
        return attribute == {"BOOL": value}
    if isinstance(value, (int, float)):
        return "N" in attribute and float(attribute["N"]) == float(value)
    return attribute == {"S": value}


def is_date_time(text):
    try:
        datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
        return True
    except ValueError:
        return False
