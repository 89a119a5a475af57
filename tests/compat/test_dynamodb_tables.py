"""Secondary indexes, changes of tables, tags, time to live, streams and backups, as stock clients see them."""
import json
import time

import pytest

from test_dynamodb import refused


def attributes(*names):
    return [{"AttributeName": name, "AttributeType": "S" if name[0] != "n" else "N"} for name in names]


def keys(*names):
    return [{"AttributeName": name, "KeyType": "HASH" if index == 0 else "RANGE"} for index, name in enumerate(names)]


def index(name, *names, projection=None):
    return {"IndexName": name, "KeySchema": keys(*names), "Projection": projection or {"ProjectionType": "ALL"}}


def until(condition, deadline_s=20):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if (value := condition()):
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def rows(raw, table, **more):
    return raw.ok("dynamodb", "Query", TableName=table, **more)["Items"]


@pytest.fixture
def table(raw, name):
    raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=keys("p", "s"), AttributeDefinitions=attributes("p", "s", "g", "n", "l"),
           BillingMode="PAY_PER_REQUEST",
           LocalSecondaryIndexes=[index("by-l", "p", "l", projection={"ProjectionType": "KEYS_ONLY"})],
           GlobalSecondaryIndexes=[index("by-g", "g", "n"), index("some", "g", projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]})])
    return name


def put(raw, table, p, s, **more):
    raw.ok("dynamodb", "PutItem", TableName=table, Item={"p": {"S": p}, "s": {"S": s}, **more})


def test_indexes_follow_the_items(raw, table):
    for number in range(5):
        put(raw, table, "a", f"s{number}", g={"S": "red" if number % 2 else "blue"}, n={"N": str(-number)}, x={"S": "in"}, y={"S": "out"}, l={"S": f"l{9 - number}"})
    put(raw, table, "a", "none")
    red = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "red"}}}
    assert [one["s"]["S"] for one in rows(raw, table, IndexName="by-g", **red)] == ["s3", "s1"]
    assert [one["s"]["S"] for one in rows(raw, table, IndexName="by-g", ScanIndexForward=False, **red)] == ["s1", "s3"]
    assert sorted(rows(raw, table, IndexName="some", **red)[0]) == ["g", "p", "s", "x"]
    local = {"KeyConditionExpression": "p = :p AND l > :l", "ExpressionAttributeValues": {":p": {"S": "a"}, ":l": {"S": "l6"}}}
    assert [one["s"]["S"] for one in rows(raw, table, IndexName="by-l", **local)] == ["s2", "s1", "s0"]
    assert rows(raw, table, IndexName="by-l", Select="ALL_ATTRIBUTES", **local)[0]["y"] == {"S": "out"}
    assert rows(raw, table, IndexName="by-l", ProjectionExpression="y", **local)[0] == {"y": {"S": "out"}}
    assert raw.ok("dynamodb", "Scan", TableName=table, IndexName="by-g")["Count"] == 5
    raw.ok("dynamodb", "UpdateItem", TableName=table, Key={"p": {"S": "a"}, "s": {"S": "s3"}}, UpdateExpression="SET g = :b REMOVE l",
           ExpressionAttributeValues={":b": {"S": "blue"}})
    raw.ok("dynamodb", "DeleteItem", TableName=table, Key={"p": {"S": "a"}, "s": {"S": "s1"}})
    assert rows(raw, table, IndexName="by-g", **red) == []
    assert raw.ok("dynamodb", "Scan", TableName=table, IndexName="by-l")["Count"] == 3


def test_pages_of_an_index(raw, table):
    for number in range(7):
        put(raw, table, f"p{number}", "s", g={"S": "same"}, n={"N": "1"})
    query = {"TableName": table, "IndexName": "by-g", "Limit": 3, "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "same"}}}
    found, start = [], {}
    for _ in range(4):
        page = raw.ok("dynamodb", "Query", **query, **start)
        found += [one["p"]["S"] for one in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        assert sorted(page["LastEvaluatedKey"]) == ["g", "n", "p", "s"]
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == [f"p{number}" for number in range(7)]


def test_capacity_and_collections(raw, table):
    answer = raw.ok("dynamodb", "PutItem", TableName=table, Item={"p": {"S": "a"}, "s": {"S": "1"}, "g": {"S": "x"}, "n": {"N": "1"}, "l": {"S": "l"}},
                    ReturnConsumedCapacity="INDEXES", ReturnItemCollectionMetrics="SIZE")
    capacity = answer["ConsumedCapacity"]
    assert (capacity["CapacityUnits"], capacity["Table"]) == (4.0, {"CapacityUnits": 1.0})
    assert sorted(capacity["GlobalSecondaryIndexes"]) == ["by-g", "some"] and list(capacity["LocalSecondaryIndexes"]) == ["by-l"]
    assert answer["ItemCollectionMetrics"] == {"ItemCollectionKey": {"p": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}


def test_index_keys_have_their_types(raw, table):
    item = {"p": {"S": "a"}, "s": {"S": "1"}}
    assert refused(raw, "PutItem", {"TableName": table, "Item": {**item, "n": {"S": "x"}}}) == \
        "One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S IndexName: by-g"
    assert "empty string value. IndexName: by-l, IndexKey: l" in refused(raw, "PutItem", {"TableName": table, "Item": {**item, "l": {"S": ""}}})
    values = {":g": {"S": "x"}}
    assert refused(raw, "Query", {"TableName": table, "IndexName": "by-g", "ConsistentRead": True, "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": values}) == \
        "Consistent reads are not supported on global secondary indexes"
    assert refused(raw, "Query", {"TableName": table, "IndexName": "some", "Select": "ALL_ATTRIBUTES", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": values})
    assert refused(raw, "Scan", {"TableName": table, "IndexName": "nope"}) == "The table does not have the specified index: nope"


def test_keys_of_several_attributes(raw, name):
    parts = [{"AttributeName": one, "KeyType": kind} for one, kind in (("g", "HASH"), ("h", "HASH"), ("n", "RANGE"), ("n2", "RANGE"))]
    raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=keys("p"), AttributeDefinitions=attributes("p", "g", "h", "n", "n2"), BillingMode="PAY_PER_REQUEST",
           GlobalSecondaryIndexes=[{"IndexName": "many", "KeySchema": parts, "Projection": {"ProjectionType": "ALL"}}])
    for number in range(12):
        raw.ok("dynamodb", "PutItem", TableName=name, Item={"p": {"S": f"p{number:02}"}, "g": {"S": "g"}, "h": {"S": f"h{number % 2}"},
                                                            "n": {"N": str(number // 4)}, "n2": {"N": str(number)}})
    values = {":g": {"S": "g"}, ":h": {"S": "h0"}, ":n": {"N": "1"}, ":m": {"N": "5"}}

    def query(expression, *used):
        return [one["p"]["S"] for one in rows(raw, name, IndexName="many", KeyConditionExpression=expression, ExpressionAttributeValues={key: values[key] for key in used})]

    assert query("g = :g AND h = :h", ":g", ":h") == ["p00", "p02", "p04", "p06", "p08", "p10"]
    assert query("g = :g AND h = :h AND n >= :n", ":g", ":h", ":n") == ["p04", "p06", "p08", "p10"]
    assert query("g = :g AND h = :h AND n = :n AND n2 > :m", ":g", ":h", ":n", ":m") == ["p06"]
    for expression, used in (("g = :g", (":g",)), ("g = :g AND h = :h AND n2 > :m", (":g", ":h", ":m")), ("g = :g AND h = :h AND n > :n AND n2 = :m", (":g", ":h", ":n", ":m"))):
        refused(raw, "Query", {"TableName": name, "IndexName": "many", "KeyConditionExpression": expression, "ExpressionAttributeValues": {key: values[key] for key in used}})


def test_indexes_come_and_go_while_serving(raw, name):
    raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=keys("p"), AttributeDefinitions=attributes("p"), BillingMode="PAY_PER_REQUEST")
    for batch in range(40):
        raw.ok("dynamodb", "BatchWriteItem", RequestItems={name: [{"PutRequest": {"Item": {"p": {"S": f"{batch}-{one}"}, "g": {"S": "x"}}}} for one in range(25)]})
    changed = raw.ok("dynamodb", "UpdateTable", TableName=name, AttributeDefinitions=attributes("p", "g"), GlobalSecondaryIndexUpdates=[{"Create": index("by-g", "g")}])
    assert changed["TableDescription"]["TableStatus"] == "UPDATING"
    for one in range(10):
        raw.ok("dynamodb", "PutItem", TableName=name, Item={"p": {"S": f"later-{one}"}, "g": {"S": "x"}})
    described = until(lambda: (d := raw.ok("dynamodb", "DescribeTable", TableName=name)["Table"])["TableStatus"] == "ACTIVE" and d)
    assert described["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    counted = raw.call("dynamodb", "Query", TableName=name, IndexName="by-g", Select="COUNT", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "x"}})
    assert counted.json["Count"] == 1010
    raw.ok("dynamodb", "UpdateTable", TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    until(lambda: "GlobalSecondaryIndexes" not in raw.ok("dynamodb", "DescribeTable", TableName=name)["Table"])
    refused(raw, "Scan", {"TableName": name, "IndexName": "by-g"})


@pytest.mark.parametrize("more, message", [
    ({"LocalSecondaryIndexes": [index("iii", "p", "s")]}, "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"),
    ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
    ({"GlobalSecondaryIndexes": [index("iii", "s"), index("iii", "s")]}, "Duplicate index name: iii"),
    ({"GlobalSecondaryIndexes": [index("iii", "nope")]},
     "Some index key attributes are not defined in AttributeDefinitions. Keys: [nope], AttributeDefinitions: [p, s]"),
    ({"GlobalSecondaryIndexes": [index("iii", "p")]}, "Some AttributeDefinitions are not used. AttributeDefinitions: [p, s], keys used: [p]"),
    ({"GlobalSecondaryIndexes": [index("iii", "s", projection={"ProjectionType": "INCLUDE"})]}, "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"),
    ({"GlobalSecondaryIndexes": [index("iii", "s", projection={"ProjectionType": "ALL", "NonKeyAttributes": ["a"]})]},
     "ProjectionType is ALL, but NonKeyAttributes is specified"),
    ({}, "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"),
])
def test_indexes_that_are_refused(raw, name, more, message):
    body = {"TableName": name, "KeySchema": keys("p"), "AttributeDefinitions": attributes("p", "s"), "BillingMode": "PAY_PER_REQUEST", **more}
    assert refused(raw, "CreateTable", body) == "One or more parameter values were invalid: " + message


def sent(raw, operation, **body):
    """Members that newer models have and the installed one does not."""
    answer = raw.send("dynamodb", "POST", "/", json.dumps(body), {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + operation})
    assert answer.status == 200, answer.body
    return answer.json


def test_changes_and_descriptions(raw, name, server):
    sent(raw, "CreateTable", TableName=name, KeySchema=keys("p"), AttributeDefinitions=attributes("p"), DeletionProtectionEnabled=True,
         ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, TableClass="STANDARD_INFREQUENT_ACCESS", Tags=[{"Key": "a", "Value": "1"}],
         SSESpecification={"Enabled": True, "SSEType": "KMS"})
    described = raw.ok("dynamodb", "DescribeTable", TableName=f"arn:aws:dynamodb:{server.region}:{server.account_id}:table/{name}")["Table"]
    assert described["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS" and described["SSEDescription"]["Status"] == "ENABLED"
    refused(raw, "DeleteTable", {"TableName": name})
    sent(raw, "UpdateTable", TableName=name, DeletionProtectionEnabled=False, ProvisionedThroughput={"ReadCapacityUnits": 2, "WriteCapacityUnits": 1})
    assert refused(raw, "UpdateTable", {"TableName": name, "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 1}}).startswith(
        "The provisioned throughput for the table will not change.")
    arn = described["TableArn"]
    raw.ok("dynamodb", "TagResource", ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    raw.ok("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=["a"])
    assert raw.ok("dynamodb", "ListTagsOfResource", ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert raw.ok("dynamodb", "DescribeLimits")["TableMaxReadCapacityUnits"] > 0
    assert raw.ok("dynamodb", "DescribeEndpoints")["Endpoints"][0]["CachePeriodInMinutes"] == 1440
    assert raw.ok("dynamodb", "DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]["ContinuousBackupsStatus"] == "ENABLED"
    raw.ok("dynamodb", "DeleteTable", TableName=name)


def stream_records(streams, arn, view=None):
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return streams.get_records(ShardIterator=iterator)


def test_streams(raw, make_client, name):
    streams = make_client("dynamodbstreams")
    made = raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=keys("p"), AttributeDefinitions=attributes("p"), BillingMode="PAY_PER_REQUEST",
                  StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]
    arn = made["LatestStreamArn"]
    assert [one["StreamArn"] for one in streams.list_streams(TableName=name)["Streams"]] == [arn]
    key = {"p": {"S": "a"}}
    raw.ok("dynamodb", "PutItem", TableName=name, Item={**key, "v": {"N": "1"}})
    raw.ok("dynamodb", "PutItem", TableName=name, Item={**key, "v": {"N": "1"}})  # changes nothing: no record
    raw.ok("dynamodb", "UpdateItem", TableName=name, Key=key, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"N": "2"}})
    raw.ok("dynamodb", "DeleteItem", TableName=name, Key=key)
    raw.ok("dynamodb", "DeleteItem", TableName=name, Key=key)
    answer = stream_records(streams, arn)
    records = answer["Records"]
    assert [one["eventName"] for one in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["OldImage"]["v"] == {"N": "1"} and records[1]["dynamodb"]["NewImage"]["v"] == {"N": "2"}
    assert "NewImage" not in records[2]["dynamodb"] and records[2]["dynamodb"]["Keys"] == key
    numbers = [one["dynamodb"]["SequenceNumber"] for one in records]
    assert numbers == sorted(numbers) and len(set(numbers)) == 3
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    after = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[0])["ShardIterator"]
    assert [one["eventName"] for one in streams.get_records(ShardIterator=after, Limit=1)["Records"]] == ["MODIFY"]
    latest = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    raw.ok("dynamodb", "UpdateTable", TableName=name, StreamSpecification={"StreamEnabled": False})
    raw.ok("dynamodb", "PutItem", TableName=name, Item=key)
    answer = streams.get_records(ShardIterator=latest)
    assert answer["Records"] == [] and "NextShardIterator" not in answer
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED" and described["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"] == numbers[2]
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.describe_stream(StreamArn=arn + "0")


def test_time_to_live(raw, make_client, name):
    made = raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=keys("p"), AttributeDefinitions=attributes("p"), BillingMode="PAY_PER_REQUEST",
                  StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})["TableDescription"]
    past, future = int(time.time()) - 100, int(time.time()) + 1000
    for p, when in (("old", {"N": str(past)}), ("new", {"N": str(future)}), ("text", {"S": str(past)}), ("ancient", {"N": "12"})):
        raw.ok("dynamodb", "PutItem", TableName=name, Item={"p": {"S": p}, "expires": when})
    raw.ok("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    assert raw.ok("dynamodb", "DescribeTimeToLive", TableName=name)["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    until(lambda: raw.ok("dynamodb", "Scan", TableName=name)["Count"] == 3)
    assert sorted(one["p"]["S"] for one in raw.ok("dynamodb", "Scan", TableName=name)["Items"]) == ["ancient", "new", "text"]
    record = stream_records(make_client("dynamodbstreams"), made["LatestStreamArn"])["Records"][-1]
    assert record["eventName"] == "REMOVE" and record["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    refused(raw, "UpdateTimeToLive", {"TableName": name, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires"}})


def test_backups(raw, table, name):
    for number in range(30):
        put(raw, table, "a", f"{number}", g={"S": "x"}, n={"N": "1"})
    made = raw.ok("dynamodb", "CreateBackup", TableName=table, BackupName="first")["BackupDetails"]
    arn = made["BackupArn"]
    until(lambda: raw.ok("dynamodb", "DescribeBackup", BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE")
    raw.ok("dynamodb", "DeleteItem", TableName=table, Key={"p": {"S": "a"}, "s": {"S": "1"}})
    assert [one["BackupName"] for one in raw.ok("dynamodb", "ListBackups", TableName=table)["BackupSummaries"]] == ["first"]
    target = name + ".restored"
    raw.ok("dynamodb", "RestoreTableFromBackup", TargetTableName=target, BackupArn=arn)
    until(lambda: raw.ok("dynamodb", "DescribeTable", TableName=target)["Table"]["TableStatus"] == "ACTIVE")
    assert raw.ok("dynamodb", "Scan", TableName=target)["Count"] == 30
    assert raw.ok("dynamodb", "Scan", TableName=target, IndexName="by-g")["Count"] == 30
    refused(raw, "RestoreTableFromBackup", {"TargetTableName": target, "BackupArn": arn}, "TableAlreadyExistsException")
    raw.ok("dynamodb", "DeleteBackup", BackupArn=arn)
    refused(raw, "DescribeBackup", {"BackupArn": arn}, "BackupNotFoundException")
