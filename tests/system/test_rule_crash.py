"""kill -9 at random moments between a message and its rule's actions: every action of every acknowledged message has its effect afterwards."""

import json
import pathlib
import random
import threading
import time

from tests.support.fogbank_server import EXAMPLES
from tests.support.http_peer import HttpPeer

ROLE = "arn:aws:iam::000000000000:role/rules"
ROUNDS = 4
DEADLINE_S = 60


def table(dynamodb, name, key):
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}])
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def set_up(server, peer):
    """One rule with an action of each durable kind."""
    dynamodb, iot = server.boto3("dynamodb"), server.boto3("iot")
    for name, key in (("RowsV1", "sample_time"), ("RowsV2", "sample_time"), ("Secomea", "date_time")):
        table(dynamodb, name, key)
    function = server.boto3("lambda").create_function(FunctionName="write", Runtime="fogbank-cpp", Role=ROLE, Handler="write_to_dynamodb.so",
                                                      Code={"S3Bucket": "fogbank-local-path", "S3Key": str(pathlib.Path(EXAMPLES) / "write_to_dynamodb.so")})
    server.boto3("logs").create_log_group(logGroupName="crash")
    url = {"httpUrlConfiguration": {"confirmationUrl": f"{peer.url}/in"}}
    iot.create_topic_rule_destination(destinationConfiguration=url)
    iot.confirm_topic_rule_destination(confirmationToken=json.loads(peer.next().body)["confirmationToken"])
    iot.create_topic_rule(ruleName="all", topicRulePayload={"sql": "SELECT * FROM 'crash'", "awsIotSqlVersion": "2016-03-23", "actions": [
        {"lambda": {"functionArn": function["FunctionArn"]}},
        {"dynamoDB": {"roleArn": ROLE, "tableName": "RowsV1", "hashKeyField": "sample_time", "hashKeyValue": "${sample_time}"}},
        {"dynamoDBv2": {"roleArn": ROLE, "putItem": {"tableName": "RowsV2"}}},
        {"http": {"url": f"{peer.url}/in"}},
        {"cloudwatchLogs": {"roleArn": ROLE, "logGroupName": "crash"}},
        {"republish": {"roleArn": ROLE, "topic": "crash-again", "qos": 1}}]})
    iot.create_topic_rule(ruleName="again", topicRulePayload={"sql": "SELECT sample_time FROM 'crash-again'", "awsIotSqlVersion": "2016-03-23", "actions": [
        {"dynamoDBv2": {"roleArn": ROLE, "putItem": {"tableName": "Again"}}}]})
    table(dynamodb, "Again", "sample_time")


def publish_until_killed(server, client, first, delay_s):
    """Returns the numbers that got their PUBACK and the next number."""
    acknowledged, under_way, lock = set(), {}, threading.Lock()

    def on_publish(_client, _user, mid):
        with lock:
            acknowledged.add(mid)

    client.on_publish = on_publish
    killer = threading.Timer(delay_s, server.kill)
    killer.start()
    number = first
    while killer.is_alive():
        with lock:
            room = len(under_way) - len(acknowledged) < 40
        if not room:
            time.sleep(0.001)
            continue
        payload = json.dumps({"sample_time": f"n{number:06d}", "collector": "c", "pressure": number})
        under_way[client.publish("crash", payload, qos=1).mid] = number
        number += 1
    killer.join()
    client.loop_stop()
    with lock:
        return {under_way[mid] for mid in acknowledged if mid in under_way}, number


def rows(dynamodb, name):
    pages = dynamodb.get_paginator("scan").paginate(TableName=name)
    return {item["sample_time"]["S"] for page in pages for item in page["Items"]}


def effects(server, requests):
    """The samples that each action has brought to its place."""
    dynamodb = server.boto3("dynamodb")
    found = {name: rows(dynamodb, name) for name in ("RowsV1", "RowsV2", "Secomea", "Again")}
    events = server.boto3("logs").get_paginator("filter_log_events").paginate(logGroupName="crash")
    found["logs"] = {json.loads(event["message"])["sample_time"] for page in events for event in page["events"]}
    found["http"] = {json.loads(request.body)["sample_time"] for request in requests if b"sample_time" in request.body}
    return found


def test_kill_9_between_message_and_action_loses_no_action(new_server, tmp_path):
    rng = random.Random(20260318)
    peer = HttpPeer()
    server = new_server("data", "--quota-profile", "relaxed").start()
    server.provision("crash", tmp_path / "crash")
    set_up(server, peer)
    wanted, number = set(), 0
    for _ in range(ROUNDS):
        client = server.mqtt_client(tmp_path / "crash", "crash")
        client.max_inflight_messages_set(50)
        connected = threading.Event()
        client.on_connect = lambda _c, _u, _f, code, connected=connected: connected.set() if code == 0 else None
        client.connect(server.endpoints["endpoint_name"], server.endpoints["mqtts_port"])
        client.loop_start()
        assert connected.wait(30)
        acknowledged, number = publish_until_killed(server, client, number, rng.uniform(0.3, 1.0))
        wanted |= {f"n{one:06d}" for one in acknowledged}
        server.start()
    assert len(wanted) >= 50, f"only {len(wanted)} acknowledged: the test did not load the server"
    requests = []
    deadline = time.monotonic() + DEADLINE_S
    while True:
        while not peer.requests.empty():
            requests.append(peer.requests.get())
        missing = {place: sorted(wanted - there)[:5] for place, there in effects(server, requests).items() if wanted - there}
        if not missing or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert not missing
    assert server.stop() == 0
    peer.close()
