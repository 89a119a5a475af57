"""What rules do inside this server: the cloudwatchLogs action without a sink, tags, Basic Ingest to rules that are not there."""
import json
import re
import time
import urllib.request

import botocore.exceptions
import pytest

from tests.compat.test_rules import signed

ROLE = "arn:aws:iam::000000000000:role/rules"


@pytest.fixture(scope="session")
def logs(make_client):
    return make_client("logs")


@pytest.fixture
def group(logs, name):
    logs.create_log_group(logGroupName=name)
    yield name
    logs.delete_log_group(logGroupName=name)


def make_rule(server, name, **action):
    """Without botocore, whose model of 2023 does not know batchMode."""
    body = {"sql": f"SELECT * FROM '{name}'", "awsIotSqlVersion": "2016-03-23", "actions": [{"cloudwatchLogs": {"roleArn": ROLE, **action}}]}
    answer = signed(server, "POST", f"/rules/{name}", json.dumps(body))
    assert answer.status == 200, answer.data


def counters(server, name):
    return json.loads(signed(server, "GET", f"/_fogbank/rules/{name}").data)


def said(logs, group):
    return [event["message"] for event in logs.get_log_events(logGroupName=group, logStreamName="fogbank-rules", startFromHead=True)["events"]]


def test_cloudwatch_logs_are_this_servers_own(server, iot_data, logs, group, name):
    make_rule(server, name, logGroupName=group)
    iot_data.publish(topic=name, qos=1, payload='{"a":1}')
    iot_data.publish(topic=name, qos=1, payload=b"no json \xff")
    # The publisher is answered when the events are committed.
    assert said(logs, group) == ['{"a":1}', "no json �"]
    assert (counters(server, name)["succeeded"], counters(server, name)["failed"]) == (2, 0)


def test_cloudwatch_logs_batch_mode(server, iot_data, logs, group, name):
    make_rule(server, name, logGroupName=group, batchMode=True)
    now = int(time.time() * 1000)
    iot_data.publish(topic=name, qos=1, payload=json.dumps([{"timestamp": now, "message": "second"}, {"timestamp": now - 5, "message": "first"}]))
    assert said(logs, group) == ["first", "second"]
    iot_data.publish(topic=name, qos=1, payload='{"timestamp": 1, "message": "no array"}')
    assert "batchMode" in counters(server, name)["lastError"]
    iot_data.publish(topic=name, qos=1, payload=json.dumps([{"timestamp": now - 15 * 86400_000, "message": "old"}, {"timestamp": now, "message": "third"}]))
    assert said(logs, group) == ["first", "second", "third"]
    rule = counters(server, name)
    assert (rule["succeeded"], rule["failed"]) == (1, 2) and "1 events are more than 14 days old" in rule["lastError"]
    assert abs(rule["lastErrorAt"] - time.time()) < 3600


def test_cloudwatch_logs_need_their_group(server, iot_data, logs, name):
    make_rule(server, name, logGroupName=name)
    iot_data.publish(topic=name, qos=1, payload="{}")
    assert "CloudwatchLogsAction" in counters(server, name)["lastError"] and "ResourceNotFoundException" in counters(server, name)["lastError"]
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


def tags_of(iot, name):
    arn = iot.get_topic_rule(ruleName=name)["ruleArn"]
    return {tag["Key"]: tag["Value"] for tag in iot.list_tags_for_resource(resourceArn=arn)["tags"]}


def test_tags_of_a_rule(iot, name):
    payload = {"sql": "SELECT * FROM 'tags'", "actions": []}
    iot.create_topic_rule(ruleName=name, topicRulePayload=payload, tags="site=north%20hall&line=4&empty=")
    arn = iot.get_topic_rule(ruleName=name)["ruleArn"]
    assert tags_of(iot, name) == {"site": "north hall", "line": "4", "empty": ""}
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException):
        iot.create_topic_rule(ruleName=name, topicRulePayload=payload, tags="site=other")
    iot.tag_resource(resourceArn=arn, tags=[{"Key": "line", "Value": "5"}])
    iot.untag_resource(resourceArn=arn, tagKeys=["empty"])
    assert tags_of(iot, name) == {"site": "north hall", "line": "5"}
    iot.delete_topic_rule(ruleName=name)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.list_tags_for_resource(resourceArn=arn)
    iot.create_topic_rule(ruleName=name, topicRulePayload=payload)
    assert tags_of(iot, name) == {}
    iot.delete_topic_rule(ruleName=name)


@pytest.mark.parametrize("tags", ["=x", "a=1&a=2", "a=%zz", "&".join(f"k{i}=v" for i in range(51)), "k" * 129 + "=v"])
def test_wrong_tags_make_no_rule(iot, name, tags):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": "SELECT * FROM 'a'", "actions": []}, tags=tags)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 410), caught.value
    with pytest.raises(iot.exceptions.UnauthorizedException):
        iot.get_topic_rule(ruleName=name)


def not_found_total(server):
    text = urllib.request.urlopen(server.api_url + "/_fogbank/metrics").read().decode()
    return int(re.search(r"^fogbank_rules_not_found_total (\d+)", text, re.M).group(1))


def test_basic_ingest_to_a_rule_that_is_not_there_is_said(server, iot, iot_data, name):
    before = not_found_total(server)
    iot_data.publish(topic=f"$aws/rules/{name}/x", qos=1, payload="{}")
    assert not_found_total(server) == before + 1
    feed = json.loads(signed(server, "GET", "/_fogbank/activity").data)
    assert any(name in json.dumps(entry) and entry["kind"] == "rule_not_found" for entry in feed["entries" if "entries" in feed else next(iter(feed))])
    assert "rule not found" in server.log()
    iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": "SELECT * FROM 'a'", "actions": [], "ruleDisabled": True})
    iot_data.publish(topic=f"$aws/rules/{name}/x", qos=1, payload="{}")
    assert not_found_total(server) == before + 1
    iot.delete_topic_rule(ruleName=name)
    iot_data.publish(topic=f"$aws/rules/{name}", qos=1, payload="{}")
    assert not_found_total(server) == before + 2
