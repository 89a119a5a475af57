"""Actions that leave the server, against other people's servers of S3, Kinesis and SQS (tests/compat/js/servers.js): what a message turned into is read back
with boto3. The exact requests, and what happens when a target fails, are in test_rule_actions.py."""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import time

import boto3
import botocore.config
import pytest

from tests.compat.test_rules import signed
from tests.support.fogbank_server import FogbankServer

JS = pathlib.Path(__file__).parent / "js"
ROLE = "arn:aws:iam::000000000000:role/rules"
KEY = "S3RVER"  # the one key that s3rver knows; its signatures are compared with botocore's in test_rule_actions.py
WAIT_S = 60

pytestmark = pytest.mark.skipif(shutil.which("node") is None or not (JS / "node_modules" / "s3rver").is_dir(), reason="node and `npm ci` in tests/compat/js are needed")


class Targets:
    def __init__(self, folder):
        self.log = open(folder / "targets.log", "wb")
        self.process = subprocess.Popen(["node", str(JS / "servers.js"), str(folder / "s3")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env={"PATH": os.environ["PATH"]})
        ready, _, _ = select.select([self.process.stdout], [], [], WAIT_S)
        self.ports = json.loads(self.process.stdout.readline()) if ready else {}
        assert set(self.ports) == {"s3", "kinesis", "sqs"}, (folder / "targets.log").read_text()

    def url(self, service):
        return f"http://127.0.0.1:{self.ports[service]}"

    def client(self, service):
        config = botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self.url(service), region_name="eu-west-1", aws_access_key_id=KEY, aws_secret_access_key=KEY, config=config)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=WAIT_S) == 0
        self.log.close()


class World:
    """A server whose rules send to the targets."""

    def __init__(self, folder, targets, key=KEY):
        sinks = [part for service in targets.ports for part in ("--sink", f"{service}={targets.url(service)}")]
        self.server = FogbankServer(folder / "data", *sinks, "--sink-access-key-id", key, "--sink-secret-access-key", key, "--sink-region", "eu-west-1").start()
        self.server.__dict__.update(self.server.endpoints)
        self.iot, self.data = self.server.boto3("iot"), self.server.boto3("iot-data")

    def send(self, action, payloads, sql="SELECT * FROM '{}/#'"):
        """A rule of its own with this action, and these messages through it. Returns when it is done with all of them: its counters."""
        name = "r" + os.urandom(4).hex()
        self.iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": sql.format(name), "actions": [action], "awsIotSqlVersion": "2016-03-23"})
        for payload in payloads:
            self.data.publish(topic=f"{name}/x", qos=1, payload=payload)
        deadline = time.monotonic() + WAIT_S
        while True:
            counters = json.loads(signed(self.server, "GET", f"/_fogbank/rules/{name}").data)
            if counters["succeeded"] + counters["failed"] == len(payloads):
                return counters
            assert time.monotonic() < deadline, counters
            time.sleep(0.01)


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    made = Targets(tmp_path_factory.mktemp("targets"))
    made.client("s3").create_bucket(Bucket="fleet", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory, targets):
    made = World(tmp_path_factory.mktemp("server"), targets)
    yield made
    assert made.server.stop() == 0


@pytest.mark.parametrize("payload, kind", [(b'{"a":1,"b":"\xc3\xbc"}', "application/json"), (b"\x00\xff not json", "application/octet-stream")], ids=["json", "raw"])
def test_s3_object(world, targets, payload, kind):
    s3 = targets.client("s3")
    # All that SigV4 and a URL treat in their own way.
    key = "in/${topic(2)}/a b+c&d=e~'(f)!*,g;h:@$i ü.json"
    assert world.send({"s3": {"roleArn": ROLE, "bucketName": "fleet", "key": key}}, [payload])["failed"] == 0
    found = s3.get_object(Bucket="fleet", Key=key.replace("${topic(2)}", "x"))
    assert (found["Body"].read(), found["ContentType"]) == (payload, kind)
    s3.delete_object(Bucket="fleet", Key=key.replace("${topic(2)}", "x"))
    assert "Contents" not in s3.list_objects_v2(Bucket="fleet")


def test_s3_refusals_are_the_rules_failures(tmp_path, world, targets):
    counters = world.send({"s3": {"roleArn": ROLE, "bucketName": "nobodys", "key": "k"}}, ['{"a":1}'])
    assert (counters["succeeded"], counters["failed"]) == (0, 1) and "NoSuchBucket" in counters["lastError"], counters
    other = World(tmp_path, targets, key="NOBODY")
    counters = other.send({"s3": {"roleArn": ROLE, "bucketName": "fleet", "key": "k"}}, ['{"a":1}'])
    assert (counters["succeeded"], counters["failed"]) == (0, 1) and "InvalidAccessKeyId" in counters["lastError"], counters
    assert other.server.stop() == 0
    assert "Contents" not in targets.client("s3").list_objects_v2(Bucket="fleet")


def test_kinesis_records_in_order(world, targets):
    kinesis = targets.client("kinesis")
    kinesis.create_stream(StreamName="samples", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="samples", WaiterConfig={"Delay": 1, "MaxAttempts": WAIT_S})
    payloads = [json.dumps({"n": n, "text": "ü" * n}) for n in range(20)]
    action = {"kinesis": {"roleArn": ROLE, "streamName": "samples", "partitionKey": "device-${n % 3}"}}
    assert world.send(action, payloads)["failed"] == 0
    shard = kinesis.describe_stream(StreamName="samples")["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="samples", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [json.loads(one["Data"]) for one in records] == [json.loads(one) for one in payloads]
    assert [one["PartitionKey"] for one in records] == [f"device-{n % 3}" for n in range(20)]


@pytest.mark.parametrize("base64_wanted", [False, True])
def test_sqs_message(world, targets, base64_wanted):
    sqs = targets.client("sqs")
    url = sqs.create_queue(QueueName=f"alarms-{base64_wanted}")["QueueUrl"]
    action = {"sqs": {"roleArn": ROLE, "queueUrl": url, "useBase64": base64_wanted}}
    counters = world.send(action, ['{"a":"x=y;z+ü %41"}'], sql="SELECT a, topic(2) AS t FROM '{}/#'")
    assert counters["failed"] == 0, counters
    message = sqs.receive_message(QueueUrl=url)["Messages"][0]
    body = base64.b64decode(message["Body"]) if base64_wanted else message["Body"]
    assert json.loads(body) == {"a": "x=y;z+ü %41", "t": "x"}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
