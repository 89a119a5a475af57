"""Each action that leaves the server, against a scripted HTTP peer: what a message turns into, what happens when the peer fails, is down, or the server is
killed in between."""
import base64
import json
import pathlib
import sys
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.compat.test_rules import signed  # noqa: E402
from tests.support.fogbank_server import FogbankServer  # noqa: E402
from tests.support.http_peer import HttpPeer  # noqa: E402

ROLE = "arn:aws:iam::000000000000:role/rules"
SERVICES = ["s3", "sqs", "sns", "kinesis", "firehose", "logs", "cloudwatch", "timestream"]


def options(peer):
    sinks = [part for service in SERVICES for part in ("--sink", f"{service}={peer.url}")]
    return [*sinks, "--sink-access-key-id", "AKIAPEER", "--sink-secret-access-key", "peersecret", "--sink-region", "eu-west-1", "--quota-profile", "relaxed"]


class World:
    def __init__(self, folder):
        self.peer = HttpPeer()
        (folder / "secrets.json").write_text(json.dumps({"db": {"user": "u1", "password": "p1"}, "token": "plain"}))
        self.server = FogbankServer(folder / "data", *options(self.peer), "--secrets-file", str(folder / "secrets.json")).start()
        self.number = 0
        self.connect()

    def connect(self):
        self.iot = self.server.boto3("iot")
        self.data = self.server.boto3("iot-data")
        self.server.__dict__.update(self.server.endpoints)

    def rule(self, action, sql="SELECT * FROM '{topic}/#'", **more):
        """A rule on a topic of its own; returns (rule name, topic)."""
        self.number += 1
        topic = f"a{self.number}"
        payload = {"sql": sql.format(topic=topic), "actions": [action] if isinstance(action, dict) else action, "awsIotSqlVersion": "2016-03-23", **more}
        self.iot.create_topic_rule(ruleName=f"r{self.number}", topicRulePayload=payload)
        return f"r{self.number}", topic

    def publish(self, topic, payload='{"a":1}'):
        self.data.publish(topic=topic + "/x", qos=1, payload=payload)

    def counters(self, rule):
        return json.loads(signed(self.server, "GET", f"/_fogbank/rules/{rule}").data)

    def close(self):
        assert self.server.stop() == 0, self.server.log()[-3000:]
        self.peer.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("actions"))
    yield made
    made.close()


@pytest.fixture
def run(world):
    """run(action, payload) -> the request that the peer got."""

    def do(action, payload='{"a":1}', **more):
        world.peer.on = None
        _, topic = world.rule(action, **more)
        world.publish(topic, payload)
        return world.peer.next()

    return do


def form(request):
    return {key: values[0] for key, values in urllib.parse.parse_qs(request.body.decode(), keep_blank_values=True).items()}


def check_signature(request, service):
    """The request is signed as botocore signs it."""
    url = "http://" + request.headers["host"] + request.path
    names = request.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    again = botocore.awsrequest.AWSRequest(request.method, url, data=request.body, headers={name: request.headers[name] for name in names if name != "host"})
    again.context["timestamp"] = request.headers["x-amz-date"]
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = kind(botocore.credentials.Credentials("AKIAPEER", "peersecret"), service, "eu-west-1")
    assert signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again) == request.headers["authorization"].split("Signature=")[1]


def test_sqs(run):
    request = run({"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/000000000000/queue-${a}", "useBase64": False}})
    assert (request.method, request.path) == ("POST", "/000000000000/queue-1")
    assert form(request) == {"Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": "http://sqs.example/000000000000/queue-1", "MessageBody": '{"a":1}'}
    check_signature(request, "sqs")


def test_sqs_base64(run):
    request = run({"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/q", "useBase64": True}}, b"\x00\xff")
    assert form(request)["MessageBody"] == base64.b64encode(b"\x00\xff").decode()


def test_sns(run):
    request = run({"sns": {"roleArn": ROLE, "targetArn": "arn:aws:sns:eu-west-1:1:t", "messageFormat": "JSON"}}, '{"default":"x"}')
    assert form(request) == {"Action": "Publish", "Version": "2010-03-31", "TargetArn": "arn:aws:sns:eu-west-1:1:t", "Message": '{"default":"x"}',
                             "MessageStructure": "json"}
    check_signature(request, "sns")


def test_kinesis(run):
    request = run({"kinesis": {"roleArn": ROLE, "streamName": "s", "partitionKey": "${topic(2)}"}})
    assert request.headers["x-amz-target"] == "Kinesis_20131202.PutRecord"
    assert json.loads(request.body) == {"StreamName": "s", "PartitionKey": "x", "Data": base64.b64encode(b'{"a":1}').decode()}
    check_signature(request, "kinesis")


def test_firehose(run):
    request = run({"firehose": {"roleArn": ROLE, "deliveryStreamName": "d", "separator": "\n"}})
    assert request.headers["x-amz-target"] == "Firehose_20150804.PutRecord"
    assert json.loads(request.body) == {"DeliveryStreamName": "d", "Record": {"Data": base64.b64encode(b'{"a":1}\n').decode()}}


def test_firehose_batch(run):
    request = run({"firehose": {"roleArn": ROLE, "deliveryStreamName": "d", "batchMode": True}}, '[{"a":1},2]')
    assert request.headers["x-amz-target"] == "Firehose_20150804.PutRecordBatch"
    assert [base64.b64decode(record["Data"]) for record in json.loads(request.body)["Records"]] == [b'{"a":1}', b"2"]


def test_s3(run):
    request = run({"s3": {"roleArn": ROLE, "bucketName": "b", "key": "k ${a}/${topic()}", "cannedAcl": "public-read"}})
    assert (request.method, request.path.split("?")[0][:9]) == ("PUT", "/b/k%201/")
    assert (request.body, request.headers["content-type"], request.headers["x-amz-acl"]) == (b'{"a":1}', "application/json", "public-read")
    check_signature(request, "s3")


def test_cloudwatch_metric(run):
    request = run({"cloudwatchMetric": {"roleArn": ROLE, "metricNamespace": "n", "metricName": "m", "metricValue": "${a + 0.5}", "metricUnit": "Count",
                                        "metricTimestamp": "1600000000"}})
    assert form(request) == {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": "n", "MetricData.member.1.MetricName": "m",
                             "MetricData.member.1.Value": "1.5", "MetricData.member.1.Unit": "Count", "MetricData.member.1.Timestamp": "1600000000"}


def test_cloudwatch_alarm(run):
    request = run({"cloudwatchAlarm": {"roleArn": ROLE, "alarmName": "al", "stateReason": "because ${a}", "stateValue": "ALARM"}})
    assert form(request) == {"Action": "SetAlarmState", "Version": "2010-08-01", "AlarmName": "al", "StateReason": "because 1", "StateValue": "ALARM"}


def test_cloudwatch_logs(world, run):
    request = run({"cloudwatchLogs": {"roleArn": ROLE, "logGroupName": "g"}})
    assert request.headers["x-amz-target"] == "Logs_20140328.CreateLogStream"
    put = world.peer.next()
    assert put.headers["x-amz-target"] == "Logs_20140328.PutLogEvents"
    assert [event["message"] for event in json.loads(put.body)["logEvents"]] == ['{"a":1}']


def test_timestream(run):
    request = run({"timestream": {"roleArn": ROLE, "databaseName": "d", "tableName": "t", "dimensions": [{"name": "device", "value": "${topic(2)}"}],
                                  "timestamp": {"value": "17", "unit": "SECONDS"}}}, '{"i":1,"d":1.5,"b":true,"s":"x","o":{"k":1}}')
    body = json.loads(request.body)
    assert body["CommonAttributes"] == {"Dimensions": [{"Name": "device", "Value": "x"}], "Time": "17", "TimeUnit": "SECONDS"}
    assert [(r["MeasureName"], r["MeasureValue"], r["MeasureValueType"]) for r in body["Records"]] == [
        ("i", "1", "BIGINT"), ("d", "1.5", "DOUBLE"), ("b", "true", "BOOLEAN"), ("s", "x", "VARCHAR"), ("o", '{"k":1}', "VARCHAR")]


@pytest.mark.parametrize("key", ["openSearch", "elasticsearch"])
def test_documents(world, run, key):
    request = run({key: {"roleArn": ROLE, "endpoint": world.peer.url, "index": "i", "type": "t", "id": "${a}"}})
    assert (request.method, request.path, request.body) == ("PUT", "/i/t/1", b'{"a":1}')
    check_signature(request, "es")


def test_dynamodb_v1(world):
    tables = world.server.boto3("dynamodb")
    tables.create_table(TableName="rows-v1", KeySchema=[{"AttributeName": "d", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                        AttributeDefinitions=[{"AttributeName": "d", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
                        BillingMode="PAY_PER_REQUEST")
    keys = {"hashKeyField": "d", "hashKeyValue": "${topic(2)}", "rangeKeyField": "n", "rangeKeyValue": "${n}", "rangeKeyType": "NUMBER"}
    _, topic = world.rule({"dynamoDB": {"roleArn": ROLE, "tableName": "rows-v1", "payloadField": "data", "operation": "${op}", **keys}})
    world.publish(topic, '{"n":7,"op":"INSERT","o":{"color":"brown"}}')
    found = tables.get_item(TableName="rows-v1", Key={"d": {"S": "x"}, "n": {"N": "7"}})["Item"]
    assert found["data"]["M"]["o"] == {"M": {"color": {"S": "brown"}}}
    world.publish(topic, '{"n":7,"op":"DELETE"}')
    assert "Item" not in tables.get_item(TableName="rows-v1", Key={"d": {"S": "x"}, "n": {"N": "7"}})


def test_a_service_without_an_endpoint_is_refused(iot, name):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": "SELECT * FROM 'a'", "actions": [{"sqs": {"roleArn": ROLE, "queueUrl": "http://q/1"}}]})
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException" and "--sink sqs=URL" in str(caught.value)


@pytest.mark.parametrize("action", [{"iotEvents": {"inputName": "i", "roleArn": ROLE}}, {"stepFunctions": {"stateMachineName": "s", "roleArn": ROLE}},
                                    {"iotAnalytics": {"channelName": "c", "roleArn": ROLE}}])
def test_services_that_are_not_here_are_refused(iot, name, action):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": "SELECT * FROM 'a'", "actions": [action]})
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException" and "not available" in str(caught.value)


def test_functions_that_ask_other_services(world, run):
    tables = world.server.boto3("dynamodb")
    tables.create_table(TableName="sites", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    tables.put_item(TableName="sites", Item={"id": {"S": "n1"}, "name": {"S": "north"}, "limit": {"N": "42.5"}})
    action = {"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/${get_secret('token', 'SecretString', 'arn:r')}"}}
    request = run(action, '{"site":"n1"}',
                  sql="SELECT get_secret('db', 'SecretString', 'user', 'arn:r') AS user, "
                      "get_or_default(get_secret('nope', 'SecretString', 'arn:r'), 'none') AS missing FROM '{topic}/#' "
                      "WHERE get_dynamodb('sites', 'id', site, 'arn:r').limit > 42")
    assert request.path == "/plain"
    assert json.loads(form(request)["MessageBody"]) == {"user": "u1", "missing": "none"}


def test_a_failing_function_ends_the_rule(world):
    name, topic = world.rule({"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/never"}}, sql="SELECT get_dynamodb('nope', 'id', 'x', 'arn:r') AS x FROM '{topic}/#'")
    world.publish(topic)
    counters = world.counters(name)
    assert (counters["matched"], counters["failed"], counters["succeeded"]) == (1, 1, 0) and "get_dynamodb" in counters["lastError"]


def test_order_and_retry(world):
    name, topic = world.rule({"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/order"}})
    failing = {"left": 2}

    def answer(request):
        if "order" in request.path and failing["left"] > 0:
            failing["left"] -= 1
            return 503, b"later"
        return None

    world.peer.on = answer
    for number in range(20):
        world.publish(topic, json.dumps({"n": number}))
    bodies = [form(world.peer.next())["MessageBody"] for _ in range(22)]
    assert bodies == ['{"n":0}'] * 2 + [json.dumps({"n": number}, separators=(",", ":")) for number in range(20)]
    world.peer.on = None


def test_a_failure_for_good_goes_to_the_error_action(world):
    failed = {"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/fails"}}
    name, topic = world.rule([failed], errorAction={"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/errors"}})
    world.peer.on = lambda request: (403, b"no access") if "fails" in request.path else None
    world.publish(topic)
    assert world.peer.next().path == "/fails"
    error = json.loads(form(world.peer.next())["MessageBody"])
    world.peer.on = None
    assert (error["ruleName"], error["topic"], error["clientId"]) == (name, topic + "/x", "n/a")
    assert base64.b64decode(error["base64OriginalPayload"]) == b'{"a":1}' and error["cloudwatchTraceId"]
    assert error["failures"] == [{"failedAction": "SqsAction", "failedResource": "http://sqs.example/fails",
                                  "errorMessage": "Failed to send message to SQS queue. The error received was: StatusCode: 403. Reason: no access"}]
    counters = world.counters(name)
    assert (counters["matched"], counters["failed"], counters["succeeded"]) == (1, 1, 0) and "403" in counters["lastError"]


def test_a_dead_target_holds_up_nobody_and_kill_9_loses_nothing(tmp_path):
    world = World(tmp_path)
    try:
        port = world.peer.port
        _, dead = world.rule({"sqs": {"roleArn": ROLE, "queueUrl": "http://sqs.example/later"}})
        world.peer.close()
        for number in range(30):
            world.publish(dead, json.dumps({"n": number}))  # answered: the message is in the outbox
        world.server.kill()
        world.peer = HttpPeer(port)
        world.server.start()
        world.connect()
        seen = []
        while len(set(seen)) < 30:
            seen.append(form(world.peer.next())["MessageBody"])
        wanted = [json.dumps({"n": number}, separators=(",", ":")) for number in range(30)]
        assert list(dict.fromkeys(seen)) == wanted
    finally:
        world.close()
