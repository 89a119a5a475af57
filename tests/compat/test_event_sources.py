"""Event source mappings: what changes in a table reaches a function, through boto3. Answers are checked against the service model."""
import json

import pytest

from tests.support.stream_world import World, until


@pytest.fixture
def world(dynamodb, functions, name):
    made = World(dynamodb, functions, name)
    yield made
    made.remove()


def test_records_reach_the_function(world, raw, functions, server):
    world.put("before")
    made = raw.ok("lambda", "CreateEventSourceMapping", EventSourceArn=world.stream, FunctionName=world.name, StartingPosition="TRIM_HORIZON",
                  BatchSize=5)
    assert made["State"] == "Creating" and made["BatchSize"] == 5 and made["EventSourceArn"] == world.stream
    assert made["FunctionArn"] == f"arn:aws:lambda:{server.region}:{server.account_id}:function:{world.name}"
    for number in range(10):
        world.put(f"k{number}")
    world.dynamodb.delete_item(TableName=world.name, Key={"id": {"S": "k3"}})
    until(lambda: len(world.keys()) == 12)
    assert world.keys() == ["before"] + [f"k{number}" for number in range(10)] + ["k3"]
    assert [item["name"]["S"] for item in world.seen()][-1] == "REMOVE"
    assert {item["source"]["S"] for item in world.seen()} == {world.stream}
    found = until(lambda: (lambda one: one if one["LastProcessingResult"] == "OK" else None)(raw.ok("lambda", "GetEventSourceMapping", UUID=made["UUID"])))
    assert found["State"] == "Enabled"
    listed = raw.ok("lambda", "ListEventSourceMappings", FunctionName=world.name)["EventSourceMappings"]
    assert [one["UUID"] for one in listed] == [made["UUID"]]
    assert raw.ok("lambda", "ListEventSourceMappings", EventSourceArn=world.stream + "x")["EventSourceMappings"] == []
    gone = raw.ok("lambda", "DeleteEventSourceMapping", UUID=made["UUID"])
    assert gone["State"] == "Deleting"
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_event_source_mapping(UUID=made["UUID"])


def test_a_failure_is_tried_again_in_order(world, functions, dynamodb):
    dynamodb.put_item(TableName=world.name + "-out", Item={"id": {"S": "stop"}})
    made = functions.create_event_source_mapping(EventSourceArn=world.stream, FunctionName=world.name, StartingPosition="LATEST")
    for number in range(3):
        world.put(f"k{number}")
    until(lambda: functions.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"] == "PROBLEM: Function call failed")
    assert world.keys() == []
    dynamodb.delete_item(TableName=world.name + "-out", Key={"id": {"S": "stop"}})
    until(lambda: len(world.keys()) == 3)
    assert world.keys() == ["k0", "k1", "k2"]
    functions.delete_event_source_mapping(UUID=made["UUID"])


def test_filters_updates_and_the_cli(world, functions, aws):
    pattern = json.dumps({"eventName": ["INSERT"], "dynamodb": {"Keys": {"id": {"S": [{"prefix": "yes"}]}}}})
    made = aws("lambda", "create-event-source-mapping", "--event-source-arn", world.stream, "--function-name", world.name, "--starting-position", "LATEST",
               "--filter-criteria", json.dumps({"Filters": [{"Pattern": pattern}]}), "--no-enabled").json
    assert made["FilterCriteria"] == {"Filters": [{"Pattern": pattern}]}
    for key in ("yes-1", "no-1", "yes-2"):
        world.put(key)
    assert functions.get_event_source_mapping(UUID=made["UUID"])["State"] == "Disabled"
    changed = functions.update_event_source_mapping(UUID=made["UUID"], Enabled=True, BatchSize=1, MaximumRetryAttempts=3, BisectBatchOnFunctionError=True,
                                                    MaximumRecordAgeInSeconds=600, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert changed["State"] == "Enabling" and changed["MaximumRetryAttempts"] == 3 and changed["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    until(lambda: world.keys() == ["yes-1", "yes-2"])
    assert {item["size"]["N"] for item in world.seen()} == {"1"}
    functions.delete_event_source_mapping(UUID=made["UUID"])


def test_what_makes_no_sense_is_refused(world, functions):
    create = functions.create_event_source_mapping
    good = {"EventSourceArn": world.stream, "FunctionName": world.name, "StartingPosition": "LATEST"}
    invalid = functions.exceptions.InvalidParameterValueException
    for change in ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:queue"}, {"EventSourceArn": world.stream + "1"}, {"StartingPosition": "AT_TIMESTAMP"},
                   {"BatchSize": 10001}, {"TumblingWindowInSeconds": 10}, {"Queues": ["q"]}, {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}},
                   {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:queue"}}}):
        with pytest.raises(invalid):
            create(**{**good, **change})
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        create(**{**good, "FunctionName": "nobody"})
    made = create(**good)
    with pytest.raises(functions.exceptions.ResourceConflictException):
        create(**good)
    functions.delete_event_source_mapping(UUID=made["UUID"])
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.delete_event_source_mapping(UUID=made["UUID"])
