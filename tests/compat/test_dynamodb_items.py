"""UpdateItem, batches, transactions and the parameters from before expressions, as stock clients see them."""
import json

import pytest

from test_dynamodb import ATTRIBUTES, KEYS, refused


@pytest.fixture
def table(raw, name):
    raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, BillingMode="PAY_PER_REQUEST")
    return name


KEY = {"p": {"S": "a"}, "s": {"N": "1"}}


def update(raw, table, expression, values=None, names=None, **more):
    parameters = {"TableName": table, "Key": KEY, "UpdateExpression": expression, **more}
    if values:
        parameters["ExpressionAttributeValues"] = values
    if names:
        parameters["ExpressionAttributeNames"] = names
    return raw.ok("dynamodb", "UpdateItem", **parameters)


def item(raw, table, key=KEY):
    return raw.ok("dynamodb", "GetItem", TableName=table, Key=key, ConsistentRead=True).get("Item")


def test_update_makes_and_changes(raw, table):
    assert update(raw, table, "SET v = :v, l = :l", {":v": {"N": "1"}, ":l": {"L": [{"N": "1"}]}}, ReturnValues="ALL_NEW")["Attributes"] == \
        {**KEY, "v": {"N": "1"}, "l": {"L": [{"N": "1"}]}}
    got = update(raw, table, "SET v = v + :one, l = list_append(l, :l), n = if_not_exists(n, :one) REMOVE gone ADD t :t",
                 {":one": {"N": "1"}, ":l": {"L": [{"S": "x"}]}, ":t": {"SS": ["a", "b"]}}, ReturnValues="UPDATED_NEW")["Attributes"]
    assert (got["v"], got["l"], got["n"], sorted(got["t"]["SS"])) == ({"N": "2"}, {"L": [{"N": "1"}, {"S": "x"}]}, {"N": "1"}, ["a", "b"])
    got = update(raw, table, "SET l[0] = :v REMOVE v DELETE t :t", {":v": {"S": "first"}, ":t": {"SS": ["a"]}}, ReturnValues="UPDATED_OLD")["Attributes"]
    assert got["v"] == {"N": "2"} and got["l"] == {"L": [{"N": "1"}]}
    assert item(raw, table) == {**KEY, "l": {"L": [{"S": "first"}, {"S": "x"}]}, "n": {"N": "1"}, "t": {"SS": ["b"]}}
    update(raw, table, "DELETE t :t", {":t": {"SS": ["b"]}})
    assert "t" not in item(raw, table)


def test_update_without_anything_makes_the_item(raw, table):
    raw.ok("dynamodb", "UpdateItem", TableName=table, Key=KEY)
    assert item(raw, table) == KEY
    raw.ok("dynamodb", "DeleteItem", TableName=table, Key=KEY)
    update(raw, table, "REMOVE v")
    assert item(raw, table) is None


@pytest.mark.parametrize("expression, message", [
    ("SET v = nowhere", "The provided expression refers to an attribute that does not exist in the item"),
    ("SET m.x.y = :v", "The document path provided in the update expression is invalid for update"),
    ("SET v = t + :v", "An operand in the update expression has an incorrect data type"),
    ("SET p = :v", "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"),
    ("SET v = :v SET w = :v", 'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;'),
    ("SET v = :v, v = :v", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [v], path two: [v]"),
    ("SET size = :v", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: size"),
    ("SET v = size(:v)", "Invalid UpdateExpression: The function is not allowed in an update expression; function: size"),
    ("SET v = nope(:v)", "Invalid UpdateExpression: Invalid function name; function: nope"),
    ("SET v = list_append(:v, :v)", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand type: N"),
    ("DELETE v :v", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"),
    ("SET v :v", 'Invalid UpdateExpression: Syntax error; token: ":v", near: "v :v"'),
    ("", "Invalid UpdateExpression: The expression can not be empty;"),
])
def test_updates_that_are_refused(raw, table, expression, message):
    raw.ok("dynamodb", "PutItem", TableName=table, Item={**KEY, "t": {"S": "text"}, "m": {"M": {}}})
    body = {"TableName": table, "Key": KEY, "UpdateExpression": expression}
    if ":v" in expression:
        body["ExpressionAttributeValues"] = {":v": {"N": "1"}}
    assert refused(raw, "UpdateItem", body) == message
    assert item(raw, table) == {**KEY, "t": {"S": "text"}, "m": {"M": {}}}


def test_failed_conditions_can_return_the_item(raw, table):
    raw.ok("dynamodb", "PutItem", TableName=table, Item={**KEY, "v": {"N": "1"}})
    condition = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": "2"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    for operation, what in (("PutItem", {"Item": KEY}), ("DeleteItem", {"Key": KEY}), ("UpdateItem", {"Key": KEY})):
        answer = raw.send("dynamodb", "POST", "/", json.dumps({"TableName": table, **what, **condition}),
                          {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + operation})
        assert (answer.status, answer.error) == (400, "ConditionalCheckFailedException")
        assert answer.json["Item"] == {**KEY, "v": {"N": "1"}}


def test_legacy_parameters(raw, table):
    raw.ok("dynamodb", "UpdateItem", TableName=table, Key=KEY, AttributeUpdates={
        "v": {"Action": "PUT", "Value": {"N": "1"}}, "n": {"Action": "ADD", "Value": {"N": "5"}}, "s2": {"Action": "ADD", "Value": {"SS": ["a"]}}})
    got = raw.ok("dynamodb", "UpdateItem", TableName=table, Key=KEY, ReturnValues="ALL_NEW", Expected={"v": {"Value": {"N": "1"}}, "no": {"Exists": False}},
                 AttributeUpdates={"v": {"Action": "DELETE"}, "n": {"Action": "ADD", "Value": {"N": "-2"}}, "s2": {"Action": "DELETE", "Value": {"SS": ["a"]}}})
    assert got["Attributes"] == {**KEY, "n": {"N": "3"}}
    raw.error("dynamodb", "PutItem", "ConditionalCheckFailedException", 400, TableName=table, Item=KEY,
              Expected={"n": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "3"}]}, "x": {"ComparisonOperator": "NOT_NULL"}}, ConditionalOperator="OR")
    assert raw.ok("dynamodb", "GetItem", TableName=table, Key=KEY, AttributesToGet=["n"]) == {"Item": {"n": {"N": "3"}}}
    page = raw.ok("dynamodb", "Query", TableName=table, QueryFilter={"n": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "3"}, {"N": "4"}]}},
                  KeyConditions={"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
                                 "s": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]}})
    assert page["Items"] == [{**KEY, "n": {"N": "3"}}]
    assert raw.ok("dynamodb", "Scan", TableName=table, ScanFilter={"n": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "x"}]}})["Count"] == 1


@pytest.mark.parametrize("operation, body, message", [
    ("PutItem", {"Item": KEY, "Expected": {"v": {"Exists": True}}},
     "One or more parameter values were invalid: Value must be provided when Exists is true for Attribute: v"),
    ("PutItem", {"Item": KEY, "Expected": {"v": {"Value": {"N": "1"}}}, "ConditionExpression": "v = v2"},
     "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"),
    ("PutItem", {"Item": KEY, "Expected": {"v": {"ComparisonOperator": "EQ", "AttributeValueList": []}}},
     "One or more parameter values were invalid: Invalid number of argument(s) for the EQ ComparisonOperator"),
    ("PutItem", {"Item": KEY, "ConditionalOperator": "OR"}, "ConditionalOperator cannot be used without Filter or Expected"),
    ("UpdateItem", {"Key": KEY, "AttributeUpdates": {"v": {"Action": "PUT"}}},
     "One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified"),
    ("Query", {"KeyConditions": {"p": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "a"}]}}},
     "Attempted conditional constraint is not an indexable operation"),
])
def test_legacy_requests_that_are_refused(raw, table, operation, body, message):
    assert refused(raw, operation, {"TableName": table, **body}) == message


def test_batches(raw, table):
    def key(index):
        return {"p": {"S": f"p{index}"}, "s": {"N": "1"}}

    answer = raw.ok("dynamodb", "BatchWriteItem", ReturnConsumedCapacity="TOTAL",
                    RequestItems={table: [{"PutRequest": {"Item": {**key(index), "v": {"N": str(index)}}}} for index in range(25)]})
    assert answer["UnprocessedItems"] == {}
    assert answer["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 25.0}]
    raw.ok("dynamodb", "BatchWriteItem", RequestItems={table: [{"DeleteRequest": {"Key": key(0)}}, {"PutRequest": {"Item": key(99)}}]})
    got = raw.ok("dynamodb", "BatchGetItem", RequestItems={table: {"Keys": [key(index) for index in (0, 1, 2, 99)], "ProjectionExpression": "#v, p",
                                                                   "ExpressionAttributeNames": {"#v": "v"}}})
    assert sorted(one["p"]["S"] for one in got["Responses"][table]) == ["p1", "p2", "p99"]
    assert got["UnprocessedKeys"] == {}
    duplicates = {table: [{"PutRequest": {"Item": key(1)}}, {"DeleteRequest": {"Key": key(1)}}]}
    assert refused(raw, "BatchWriteItem", {"RequestItems": duplicates}) == "Provided list of item keys contains duplicates"
    assert refused(raw, "BatchGetItem", {"RequestItems": {table: {"Keys": [key(1), key(1)]}}}) == "Provided list of item keys contains duplicates"
    assert refused(raw, "BatchGetItem", {"RequestItems": {table: {"Keys": [key(index) for index in range(101)]}}}) == \
        "Too many items requested for the BatchGetItem call"
    refused(raw, "BatchWriteItem", {"RequestItems": {}})
    refused(raw, "BatchWriteItem", {"RequestItems": {"no-" + table: [{"PutRequest": {"Item": key(1)}}]}}, "ResourceNotFoundException")


def test_transactions(raw, dynamodb, table):
    other = {"p": {"S": "b"}, "s": {"N": "1"}}
    raw.ok("dynamodb", "TransactWriteItems", TransactItems=[
        {"Put": {"TableName": table, "Item": {**KEY, "v": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(p)"}},
        {"Update": {"TableName": table, "Key": other, "UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"N": "2"}}}}])
    got = raw.ok("dynamodb", "TransactGetItems", TransactItems=[{"Get": {"TableName": table, "Key": other}}, {"Get": {"TableName": table, "Key": {"p": {"S": "no"}, "s": {"N": "1"}}}},
                                                               {"Get": {"TableName": table, "Key": KEY, "ProjectionExpression": "v"}}])
    assert got["Responses"] == [{"Item": {**other, "v": {"N": "2"}}}, {}, {"Item": {"v": {"N": "1"}}}]
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=[
            {"Delete": {"TableName": table, "Key": other}},
            {"ConditionCheck": {"TableName": table, "Key": KEY, "ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": "9"}},
                                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}])
    answer = caught.value.response
    assert answer["Error"]["Message"] == "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
    assert answer["CancellationReasons"] == [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": {**KEY, "v": {"N": "1"}}}]
    assert item(raw, table, other) is not None
    assert refused(raw, "TransactWriteItems", {"TransactItems": [{"Delete": {"TableName": table, "Key": KEY}}, {"Put": {"TableName": table, "Item": KEY}}]}) == \
        "Transaction request cannot include multiple operations on one item"


def test_tokens_make_transactions_idempotent(raw, table):
    def add(token, amount="1"):
        return {"ClientRequestToken": token, "TransactItems": [
            {"Update": {"TableName": table, "Key": KEY, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": amount}}}}]}

    for _ in range(3):
        raw.ok("dynamodb", "TransactWriteItems", **add("token-" + table))
    assert item(raw, table)["n"] == {"N": "1"}
    raw.error("dynamodb", "TransactWriteItems", "IdempotentParameterMismatchException", 400, **add("token-" + table, "2"))
    raw.ok("dynamodb", "TransactWriteItems", **add("other-" + table))
    assert item(raw, table)["n"] == {"N": "2"}
