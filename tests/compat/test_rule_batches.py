"""Batching of the http action, against a scripted peer."""
import json
import threading

import pytest

from tests.compat.test_rule_actions import World
from tests.compat.test_rule_destinations import confirmed
from tests.compat.test_rules import signed
from tests.support.http_peer import HttpPeer

OPEN = {"maxBatchOpenMs": 5}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("batches"))
    yield made
    made.close()


class Target:
    """A confirmed URL with a rule that batches for it. The peer holds its first answer until `release`, so that what comes meanwhile gathers."""

    def __init__(self, world, path, config=None, error_action=None, sql="SELECT * FROM '{topic}/#'"):
        self.world, self.path, self.gate, self.status = world, path, threading.Event(), 200
        world.peer.on = None
        confirmed(world, path)
        world.peer.on = self.answer
        world.number += 1
        self.name, self.topic = f"batch{world.number}", f"b{world.number}"
        http = {"url": f"{world.peer.url}/{path}", "headers": [{"key": "x-n", "value": "${n}"}], "enableBatching": True, "batchConfig": {**OPEN, **(config or {})}}
        self.create({"sql": sql.format(topic=self.topic), "awsIotSqlVersion": "2016-03-23", "actions": [{"http": http}], **(error_action or {})})

    def create(self, payload):
        answer = signed(self.world.server, "POST", f"/rules/{self.name}", json.dumps(payload))
        assert answer.status == 200, answer.data

    def answer(self, request):
        if request.path != "/" + self.path:
            return None
        assert self.gate.wait(60)
        return self.status, b""

    def publish(self, number, level="x"):
        self.world.data.publish(topic=f"{self.topic}/{level}", qos=1, payload=json.dumps({"n": number}))

    def bodies(self, messages):
        """The arrays that arrived, until they hold so many messages."""
        out = []
        while sum(len(body) for body in out) < messages:
            request = self.world.peer.next()
            assert request.headers["content-type"] == "application/json"
            out.append([element["n"] for element in json.loads(request.body)])
            assert request.headers["x-n"] == str(out[-1][-1])
        return out


def gathered(target, numbers, level=lambda n: "x"):
    """Message 0 goes alone; the others come while its answer is held."""
    target.publish(0, level(0))
    assert target.bodies(1) == [[0]]
    for number in numbers:
        target.publish(number, level(number))
    target.gate.set()
    return target.bodies(len(numbers))


def test_messages_leave_together_in_order(world):
    assert gathered(Target(world, "ten"), range(1, 14)) == [list(range(1, 11)), [11, 12, 13]]


def test_a_batch_has_at_most_so_many_messages(world):
    assert gathered(Target(world, "three", {"maxBatchSize": 3}), range(1, 8)) == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_batch_has_at_most_so_many_bytes(world):
    pad = "SELECT n, 'xxxxxxxxxxxxxxxxxxxxxxx' AS pad FROM '{topic}/#'"
    # Each element is 39 bytes: two and their punctuation fit into 100.
    assert gathered(Target(world, "bytes", {"maxBatchSizeBytes": 100}, sql=pad), range(1, 6)) == [[1, 2], [3, 4], [5]]


def test_topics_are_apart_unless_told(world):
    target = Target(world, "apart")
    target.gate.set()
    for number in range(8):
        target.publish(number, "even" if number % 2 == 0 else "odd")
    assert all(len({number % 2 for number in body}) == 1 for body in target.bodies(8))
    together = Target(world, "together", {"batchAcrossTopics": True})
    assert gathered(together, range(1, 6), level=lambda n: f"t{n}") == [[1, 2, 3, 4, 5]]


def test_each_message_of_a_failed_batch_gets_its_error_action(world):
    error_action = {"errorAction": {"republish": {"roleArn": "arn:aws:iam::1:role/r", "topic": "batch-errors"}}}
    target = Target(world, "refused", error_action=error_action)
    keep = {"sqs": {"roleArn": "arn:aws:iam::1:role/r", "queueUrl": "http://sqs.example/batch-errors"}}
    world.iot.create_topic_rule(ruleName="batch_errors", topicRulePayload={"sql": "SELECT * FROM 'batch-errors'", "actions": [keep], "awsIotSqlVersion": "2016-03-23"})
    target.status = 400
    target.gate.set()
    for number in range(3):
        target.publish(number)
    errors = []
    while len(errors) < 3:
        request = world.peer.next()
        if request.path == "/batch-errors":
            errors.append(request.body.decode())
    assert all("HttpAction" in error and target.name in error for error in errors)
    rule = json.loads(signed(world.server, "GET", f"/_fogbank/rules/{target.name}").data)
    assert (rule["matched"], rule["failed"], rule["succeeded"]) == (3, 3, 0)


def test_text_is_quoted_and_bytes_are_refused(world):
    target = Target(world, "text")
    target.gate.set()
    world.data.publish(topic=f"{target.topic}/x", qos=1, payload=b"plain text")
    assert json.loads(world.peer.next().body) == ["plain text"]
    world.data.publish(topic=f"{target.topic}/x", qos=1, payload=b"\xff\x00")
    rule = json.loads(signed(world.server, "GET", f"/_fogbank/rules/{target.name}").data)
    assert rule["failed"] == 1 and "binary" in rule["lastError"]


@pytest.mark.parametrize("config", [{"maxBatchOpenMs": 4}, {"maxBatchOpenMs": 201}, {"maxBatchSize": 1}, {"maxBatchSize": 11}, {"maxBatchSizeBytes": 99},
                                    {"maxBatchSizeBytes": 131073}, {"maxBatchSize": "3"}, {"maxBatchSize": 2.5}, {"batchAcrossTopics": "yes"}, []])
def test_limits_of_the_configuration(world, config):
    http = {"url": f"{world.peer.url}/limits", "enableBatching": True, "batchConfig": config}
    answer = signed(world.server, "POST", "/rules/limits", json.dumps({"sql": "SELECT * FROM 'a'", "actions": [{"http": http}]}))
    assert answer.status == 400 and b"batchConfig" in answer.data, answer.data


def test_kill_9_loses_no_message_of_a_batch(tmp_path):
    world = World(tmp_path)
    try:
        target = Target(world, "later", {"maxBatchOpenMs": 200})
        port = world.peer.port
        world.peer.close()
        for number in range(25):
            target.publish(number)  # answered: the message is in the outbox
        world.server.kill()
        world.peer = HttpPeer(port)
        world.server.start()
        world.connect()
        bodies = target.bodies(25)
        assert [number for body in bodies for number in body] == list(range(25)) and max(len(body) for body in bodies) == 10
    finally:
        world.close()
