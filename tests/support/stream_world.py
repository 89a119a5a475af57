"""A table whose stream a function follows, for the tests of event source mappings."""

import io
import stat
import time
import zipfile

ROLE = "arn:aws:iam::000000000000:role/r"

# Writes what it is sent, record by record, into the table that OUT names; fails as long as an item with the key `stop` is in it.
COPY = """
import os
import boto3

out = boto3.resource("dynamodb").Table(os.environ["OUT"])


def handler(event, context):
    if "Item" in out.get_item(Key={"id": "stop"}):
        raise RuntimeError("told to stop")
    for record in event["Records"]:
        change = record["dynamodb"]
        out.put_item(Item={"id": change["SequenceNumber"], "key": change["Keys"]["id"]["S"], "name": record["eventName"], "source": record["eventSourceARN"],
                           "size": len(event["Records"])})
"""


def package(source):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        entry = zipfile.ZipInfo("index.py")
        entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
        zipped.writestr(entry, source)
    return out.getvalue()


def until(check, deadline_s=90):
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


class World:
    """A table with a stream, a function that copies what it is sent into another table."""

    def __init__(self, dynamodb, functions, name):
        self.dynamodb, self.functions, self.name = dynamodb, functions, name
        key = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
               "BillingMode": "PAY_PER_REQUEST"}
        made = dynamodb.create_table(TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}, **key)
        self.stream = made["TableDescription"]["LatestStreamArn"]
        dynamodb.create_table(TableName=name + "-out", **key)
        functions.create_function(FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="index.handler", Timeout=20, MemorySize=512,
                                  Code={"ZipFile": package(COPY)}, Environment={"Variables": {"OUT": name + "-out"}})

    def put(self, key):
        self.dynamodb.put_item(TableName=self.name, Item={"id": {"S": key}})

    def seen(self):
        items = self.dynamodb.scan(TableName=self.name + "-out", ConsistentRead=True)["Items"]
        return [item for item in sorted(items, key=lambda item: item["id"]["S"]) if "key" in item]

    def keys(self):
        return [item["key"]["S"] for item in self.seen()]

    def remove(self):
        self.functions.delete_function(FunctionName=self.name)
        for table in (self.name, self.name + "-out"):
            self.dynamodb.delete_table(TableName=table)
