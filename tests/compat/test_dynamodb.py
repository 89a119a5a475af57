"""DynamoDB as stock clients see it: the essential operations, their errors, and that nothing is ignored."""
import decimal
import json

import boto3
import botocore.config
import pytest

KEYS = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]
ATTRIBUTES = [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}]


@pytest.fixture
def table(raw, name):
    raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, BillingMode="PAY_PER_REQUEST")
    return name


def put(raw, table, p, s, **more):
    raw.ok("dynamodb", "PutItem", TableName=table, Item={"p": {"S": p}, "s": {"N": str(s)}, **more})


def refused(raw, operation, body, error="ValidationException"):
    """A body by hand, past what the SDK would check."""
    answer = raw.send("dynamodb", "POST", "/", json.dumps(body) if not isinstance(body, str) else body,
                      {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + operation})
    assert (answer.status, answer.error) == (400, error), answer.body
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    return answer.json["message"]


def test_table_life(raw, name, server):
    made = raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES,
                  ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})["TableDescription"]
    assert made["TableArn"] == f"arn:aws:dynamodb:{server.region}:{server.account_id}:table/{name}"
    assert made["KeySchema"] == KEYS
    assert sorted(made["AttributeDefinitions"], key=lambda one: one["AttributeName"]) == ATTRIBUTES
    raw.error("dynamodb", "CreateTable", "ResourceInUseException", 400, TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES,
              BillingMode="PAY_PER_REQUEST")
    described = raw.ok("dynamodb", "DescribeTable", TableName=name)["Table"]
    assert (described["TableStatus"], described["ItemCount"]) == ("ACTIVE", 0)
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert name in raw.ok("dynamodb", "ListTables")["TableNames"]
    raw.ok("dynamodb", "DeleteTable", TableName=name)
    raw.error("dynamodb", "DescribeTable", "ResourceNotFoundException", 400, TableName=name)
    raw.error("dynamodb", "DeleteTable", "ResourceNotFoundException", 400, TableName=name)


def test_list_tables_pages(raw, dynamodb, name):
    names = [f"{name}.{index}" for index in range(3)]
    for one in names:
        raw.ok("dynamodb", "CreateTable", TableName=one, KeySchema=KEYS[:1], AttributeDefinitions=ATTRIBUTES[:1], BillingMode="PAY_PER_REQUEST")
    found = [one for page in dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1}) for one in page["TableNames"]]
    assert set(names) <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("change", [
    {"TableName": None}, {"TableName": "ab"}, {"TableName": "a b c"}, {"TableName": "x" * 256}, {"KeySchema": None}, {"KeySchema": []},
    {"AttributeDefinitions": None}, {"AttributeDefinitions": ATTRIBUTES[:1]}, {"KeySchema": KEYS[:1]}, {"KeySchema": KEYS[::-1]},
    {"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "X"}, ATTRIBUTES[1]]}, {"BillingMode": None}, {"BillingMode": "FREE"},
    {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
    {"StreamSpecification": {"StreamEnabled": True}}, {"TableClass": "COLD"}, {"Tags": [{"Key": "a"}]},
    # what this server does not have
    {"ResourcePolicy": "{}"},
], ids=lambda change: json.dumps(change)[:60])
def test_tables_that_are_refused(raw, name, change):
    body = {"TableName": name, "KeySchema": KEYS, "AttributeDefinitions": ATTRIBUTES, "BillingMode": "PAY_PER_REQUEST", **change}
    assert refused(raw, "CreateTable", {key: value for key, value in body.items() if value is not None})


def test_items_of_every_type(raw, table):
    item = {"p": {"S": "a"}, "s": {"N": "1"}, "b": {"B": "AAEC"}, "t": {"BOOL": True}, "n": {"NULL": True}, "m": {"M": {"x": {"L": [{"S": ""}, {"N": "-0.5"}]}}},
            "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": ["AA==", "AQ=="]}, "big": {"N": "12345678901234567890123456789012345678"}}
    answer = raw.send("dynamodb", "POST", "/", json.dumps({"TableName": table, "Item": item}),
                      {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.PutItem"})
    assert (answer.status, answer.json) == (200, {})
    got = raw.ok("dynamodb", "GetItem", TableName=table, Key={"p": {"S": "a"}, "s": {"N": "1.0"}}, ConsistentRead=True)["Item"]
    for sorted_set in ("ss", "ns", "bs"):
        kind = sorted_set.upper()
        assert sorted(got.pop(sorted_set)[kind]) == sorted(item.pop(sorted_set)[kind])
    assert got == item


def test_get_of_nothing(raw, table):
    assert raw.ok("dynamodb", "GetItem", TableName=table, Key={"p": {"S": "no"}, "s": {"N": "1"}}) == {}


def test_return_values_and_capacity(raw, table):
    put(raw, table, "a", 1, v={"S": "old"})
    body = raw.ok("dynamodb", "PutItem", TableName=table, Item={"p": {"S": "a"}, "s": {"N": "1"}}, ReturnValues="ALL_OLD", ReturnConsumedCapacity="TOTAL")
    assert body["Attributes"]["v"] == {"S": "old"}
    assert body["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 1.0}
    body = raw.ok("dynamodb", "GetItem", TableName=table, Key={"p": {"S": "a"}, "s": {"N": "1"}}, ReturnConsumedCapacity="INDEXES")
    assert body["ConsumedCapacity"]["Table"]["CapacityUnits"] == body["ConsumedCapacity"]["CapacityUnits"] == 0.5
    body = raw.ok("dynamodb", "DeleteItem", TableName=table, Key={"p": {"S": "a"}, "s": {"N": "1"}}, ReturnValues="ALL_OLD")
    assert body["Attributes"] == {"p": {"S": "a"}, "s": {"N": "1"}}
    assert raw.ok("dynamodb", "DeleteItem", TableName=table, Key={"p": {"S": "a"}, "s": {"N": "1"}}, ReturnValues="ALL_OLD") == {}


def test_conditions(raw, table):
    condition = {"ConditionExpression": "attribute_not_exists(#p)", "ExpressionAttributeNames": {"#p": "p"}}
    item = {"p": {"S": "a"}, "s": {"N": "1"}}
    raw.ok("dynamodb", "PutItem", TableName=table, Item=item, **condition)
    assert raw.error("dynamodb", "PutItem", "ConditionalCheckFailedException", 400, TableName=table, Item=item, **condition)["message"] == \
        "The conditional request failed"
    raw.error("dynamodb", "DeleteItem", "ConditionalCheckFailedException", 400, TableName=table, Key=item, **condition)


def test_query(raw, table):
    for index in range(10):
        put(raw, table, "a", index, v={"N": str(index % 2)})
    put(raw, table, "b", 1)
    key = {"KeyConditionExpression": "p = :p AND s BETWEEN :low AND :high",
           "ExpressionAttributeValues": {":p": {"S": "a"}, ":low": {"N": "2"}, ":high": {"N": "8"}}}
    page = raw.ok("dynamodb", "Query", TableName=table, **key)
    assert [int(item["s"]["N"]) for item in page["Items"]] == list(range(2, 9))
    page = raw.ok("dynamodb", "Query", TableName=table, ScanIndexForward=False, Limit=3, **key)
    assert [int(item["s"]["N"]) for item in page["Items"]] == [8, 7, 6]
    assert page["LastEvaluatedKey"] == {"p": {"S": "a"}, "s": {"N": "6"}}
    page = raw.ok("dynamodb", "Query", TableName=table, ScanIndexForward=False, ExclusiveStartKey=page["LastEvaluatedKey"], **key)
    assert [int(item["s"]["N"]) for item in page["Items"]] == [5, 4, 3, 2]
    filtered = dict(key, FilterExpression="v = :v", ExpressionAttributeValues={**key["ExpressionAttributeValues"], ":v": {"N": "1"}})
    page = raw.ok("dynamodb", "Query", TableName=table, ProjectionExpression="s", **filtered)
    assert page["Items"] == [{"s": {"N": str(index)}} for index in (3, 5, 7)]
    assert (page["Count"], page["ScannedCount"]) == (3, 7)


def test_count_has_no_items(raw, table):
    put(raw, table, "a", 1)
    answer = raw.call("dynamodb", "Scan", TableName=table, Select="COUNT")
    assert answer.json == {"Count": 1, "ScannedCount": 1}


def test_scan_pages(dynamodb, raw, table):
    for index in range(25):
        put(raw, table, f"p{index}", index)
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 4})
    found = [item["p"]["S"] for page in pages for item in page["Items"]]
    assert sorted(found) == sorted(f"p{index}" for index in range(25))
    parts = [raw.ok("dynamodb", "Scan", TableName=table, Segment=segment, TotalSegments=3)["Items"] for segment in range(3)]
    assert sorted(item["p"]["S"] for part in parts for item in part) == sorted(found)


@pytest.mark.parametrize("operation", ["PutItem", "GetItem", "DeleteItem", "Query", "Scan"])
def test_tables_that_are_not_there(raw, name, operation):
    key = {"p": {"S": "a"}}
    body = {"TableName": name, **{"PutItem": {"Item": key}, "GetItem": {"Key": key}, "DeleteItem": {"Key": key}, "Scan": {},
                                  "Query": {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}}[operation]}
    refused(raw, operation, body, "ResourceNotFoundException")


KEY = {"p": {"S": "a"}, "s": {"N": "1"}}


@pytest.mark.parametrize("operation, body", [
    ("PutItem", {"Item": {"p": {"S": "a"}}}),
    ("PutItem", {"Item": {"p": {"N": "1"}, "s": {"N": "1"}}}),
    ("PutItem", {"Item": {"p": {"S": ""}, "s": {"N": "1"}}}),
    ("PutItem", {"Item": {**KEY, "x": {"N": "abc"}}}),
    ("PutItem", {"Item": {**KEY, "x": {"N": "1" * 39}}}),
    ("PutItem", {"Item": {**KEY, "x": {"SS": []}}}),
    ("PutItem", {"Item": {**KEY, "x": {"SS": ["a", "a"]}}}),
    ("PutItem", {"Item": {**KEY, "x": {}}}),
    ("PutItem", {"Item": {**KEY, "x": {"S": "a", "N": "1"}}}),
    ("PutItem", {"Item": {**KEY, "x": {"S": "x" * 410_000}}}),
    ("PutItem", {}),
    ("PutItem", {"Item": KEY, "ReturnValues": "ALL_NEW"}),
    ("PutItem", {"Item": KEY, "ReturnValues": "SOME"}),
    ("PutItem", {"Item": KEY, "ReturnConsumedCapacity": "SOME"}),
    ("PutItem", {"Item": KEY, "ConditionExpression": ""}),
    ("PutItem", {"Item": KEY, "ConditionExpression": "p ="}),
    ("PutItem", {"Item": KEY, "ConditionExpression": "p = :v"}),
    ("PutItem", {"Item": KEY, "ExpressionAttributeNames": {"#a": "a"}}),
    ("PutItem", {"Item": KEY, "ConditionExpression": "p = :v", "ExpressionAttributeValues": {":v": {"S": "a"}, ":unused": {"S": "b"}}}),
    ("GetItem", {"Key": {"p": {"S": "a"}}}),
    ("GetItem", {"Key": {**KEY, "x": {"S": "a"}}}),
    ("GetItem", {"Key": KEY, "ProjectionExpression": "a..b"}),
    ("Query", {}),
    ("Query", {"KeyConditionExpression": "s = :s", "ExpressionAttributeValues": {":s": {"N": "1"}}}),
    ("Query", {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}, "IndexName": "iii"}),
    ("Query", {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}, "Limit": 0}),
    ("Scan", {"Segment": 1}),
    ("Scan", {"Segment": 3, "TotalSegments": 3}),
    ("Scan", {"Select": "SPECIFIC_ATTRIBUTES"}),
    ("Scan", {"Limit": -1}),
])
def test_requests_that_are_refused(raw, table, operation, body):
    assert refused(raw, operation, {"TableName": table, **body})


@pytest.mark.parametrize("body", ["", "{", "[]", "1", '{"TableName": 1}', '{"TableName": ["a"]}', '{"TableName": "abc", "Item": []}', "\x00", "[" * 100_000])
def test_bodies_that_are_none(raw, body):
    refused(raw, "PutItem", body, "SerializationException")


def test_resource_layer_of_boto3(server, table):
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    resource = boto3.session.Session().resource("dynamodb", region_name=server.region, endpoint_url=server.api_tls_url, verify=server.ca_file, config=config,
                                                aws_access_key_id=server.access_key_id, aws_secret_access_key=server.secret_access_key).Table(table)
    resource.put_item(Item={"p": "a", "s": 1, "v": decimal.Decimal("21.5"), "raw": b"\x00", "tags": {"x", "y"}})
    got = resource.get_item(Key={"p": "a", "s": 1})["Item"]
    assert got["v"] == decimal.Decimal("21.5")
    assert got["tags"] == {"x", "y"}
    assert bytes(got["raw"]) == b"\x00"


def test_typed_exceptions_in_boto3(dynamodb, name):
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.describe_table(TableName=name)


def test_waiter(dynamodb, table):
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 3})


def test_cli(aws, name):
    made = aws("dynamodb", "create-table", "--table-name", name, "--key-schema", "AttributeName=p,KeyType=HASH", "--attribute-definitions",
               "AttributeName=p,AttributeType=S", "--billing-mode", "PAY_PER_REQUEST")
    assert made.json["TableDescription"]["TableStatus"] in ("ACTIVE", "CREATING"), made.err
    done = aws("dynamodb", "put-item", "--table-name", name, "--item", '{"p":{"S":"a"},"v":{"N":"1.50"}}')
    assert (done.code, done.out) == (0, ""), done.err
    assert aws("dynamodb", "get-item", "--table-name", name, "--key", '{"p":{"S":"a"}}').json["Item"]["v"] == {"N": "1.5"}
    queried = aws("dynamodb", "query", "--table-name", name, "--key-condition-expression", "p = :p", "--expression-attribute-values", '{":p":{"S":"a"}}').json
    assert queried["Count"] == 1
    assert aws("dynamodb", "scan", "--table-name", name, "--return-consumed-capacity", "TOTAL").json["ConsumedCapacity"]["TableName"] == name
    done = aws("dynamodb", "get-item", "--table-name", "no-" + name, "--key", '{"p":{"S":"a"}}')
    assert done.code == 254
    assert "(ResourceNotFoundException)" in done.err
