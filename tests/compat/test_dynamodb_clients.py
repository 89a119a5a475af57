"""The newer calls through stock clients: boto3's resource layer and paginators, the AWS CLI. JavaScript is in test_dynamodb_js.py."""
import decimal
import json

import boto3
import botocore.config
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import TypeDeserializer


@pytest.fixture
def resource(server):
    config = botocore.config.Config(retries={"total_max_attempts": 1}, proxies={})
    return boto3.session.Session().resource("dynamodb", region_name=server.region, endpoint_url=server.api_url, config=config,
                                            aws_access_key_id=server.access_key_id, aws_secret_access_key=server.secret_access_key)


@pytest.fixture
def table(resource, name):
    made = resource.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                                 KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
                                 AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}])
    made.wait_until_exists()
    return made


def test_batch_writer_and_conditions(table, resource):
    with table.batch_writer(overwrite_by_pkeys=["p", "s"]) as batch:
        for s in range(60):
            batch.put_item(Item={"p": "a", "s": s, "v": decimal.Decimal(s) / 4, "tags": {"even"} if s % 2 == 0 else {"odd"}})
        batch.put_item(Item={"p": "a", "s": 59, "v": 0})
        batch.delete_item(Key={"p": "a", "s": 0})
    found = table.query(KeyConditionExpression=Key("p").eq("a") & Key("s").between(10, 20), FilterExpression=Attr("tags").contains("even") & Attr("v").gt(3),
                        ProjectionExpression="s, v", ScanIndexForward=False)
    assert [item["s"] for item in found["Items"]] == [20, 18, 16, 14]
    assert found["Items"][0]["v"] == 5
    assert table.scan(FilterExpression=Attr("v").not_exists() | Attr("s").is_in([1, 2]), Select="COUNT")["Count"] == 2
    assert table.get_item(Key={"p": "a", "s": 59})["Item"]["v"] == 0
    answer = resource.batch_get_item(RequestItems={table.name: {"Keys": [{"p": "a", "s": s} for s in (0, 1, 2)]}})
    assert {item["s"] for item in answer["Responses"][table.name]} == {1, 2}
    with pytest.raises(table.meta.client.exceptions.ConditionalCheckFailedException):
        table.put_item(Item={"p": "a", "s": 1}, ConditionExpression=Attr("p").not_exists())


def test_paginators(table, dynamodb):
    with table.batch_writer() as batch:
        for s in range(50):
            batch.put_item(Item={"p": "a", "s": s})
    pages = list(dynamodb.get_paginator("query").paginate(TableName=table.name, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "a"}},
                                                          PaginationConfig={"PageSize": 8}))
    assert [int(item["s"]["N"]) for page in pages for item in page["Items"]] == list(range(50))
    assert len(pages) >= 7
    assert sum(page["Count"] for page in dynamodb.get_paginator("scan").paginate(TableName=table.name, PaginationConfig={"PageSize": 7})) == 50
    assert table.name in {one for page in dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2}) for one in page["TableNames"]}


def test_statements_and_transactions_with_the_resource_client(table):
    client = table.meta.client  # python values in and out
    client.execute_statement(Statement=f"INSERT INTO \"{table.name}\" VALUE {{'p': ?, 's': ?, 'n': ?}}", Parameters=["a", 1, {"deep": [decimal.Decimal("1.5")]}])
    read = client.execute_statement(Statement=f'SELECT n FROM "{table.name}" WHERE p = ? AND s = ?', Parameters=["a", 1])
    assert read["Items"] == [{"n": {"deep": [decimal.Decimal("1.5")]}}]
    client.execute_transaction(TransactStatements=[{"Statement": f'UPDATE "{table.name}" SET n = ? WHERE p = ? AND s = ?', "Parameters": [7, "a", 1]}])
    client.transact_write_items(TransactItems=[{"Update": {"TableName": table.name, "Key": {"p": "a", "s": 1}, "UpdateExpression": "ADD n :one",
                                                           "ExpressionAttributeValues": {":one": 1}}}])
    got = client.transact_get_items(TransactItems=[{"Get": {"TableName": table.name, "Key": {"p": "a", "s": 1}}}])
    assert got["Responses"][0]["Item"]["n"] == 8
    with pytest.raises(client.exceptions.TransactionCanceledException) as refused:
        client.transact_write_items(TransactItems=[{"ConditionCheck": {"TableName": table.name, "Key": {"p": "none", "s": 1}, "ConditionExpression": "attribute_exists(p)"}}])
    assert refused.value.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed"


def test_streams_through_boto3(make_client, dynamodb, name):
    made = dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
                                 AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
                                 StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": {"p": {"S": "a"}, "n": {"N": "1"}}}}]})
    dynamodb.update_item(TableName=name, Key={"p": {"S": "a"}}, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "2"}})
    streams = make_client("dynamodbstreams")
    stream = made["TableDescription"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY"]
    read = TypeDeserializer().deserialize
    assert [read(record["dynamodb"]["NewImage"]["n"]) for record in records] == [1, 2]


def test_cli_newer_calls(aws, table):
    def run(*arguments):
        done = aws("dynamodb", *arguments)
        assert done.code == 0, done.err
        return done.json if done.out else None

    run("execute-statement", "--statement", f"INSERT INTO \"{table.name}\" VALUE {{'p':'a','s':1}}")
    assert run("execute-statement", "--statement", f'SELECT * FROM "{table.name}" WHERE p = ?', "--parameters", '[{"S":"a"}]')["Items"] == [{"p": {"S": "a"}, "s": {"N": "1"}}]
    statement = {"Statement": f'SELECT s FROM "{table.name}" WHERE p = ? AND s = ?', "Parameters": [{"S": "a"}, {"N": "1"}]}
    assert run("batch-execute-statement", "--statements", json.dumps([statement]))["Responses"][0]["Item"] == {"s": {"N": "1"}}
    assert run("execute-transaction", "--transact-statements", json.dumps([statement]))["Responses"][0]["Item"] == {"s": {"N": "1"}}
    run("transact-write-items", "--transact-items", json.dumps([{"Put": {"TableName": table.name, "Item": {"p": {"S": "b"}, "s": {"N": "1"}}}}]))
    run("update-time-to-live", "--table-name", table.name, "--time-to-live-specification", "Enabled=true,AttributeName=ends")
    assert run("describe-time-to-live", "--table-name", table.name)["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    run("update-continuous-backups", "--table-name", table.name, "--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true")
    assert run("describe-continuous-backups", "--table-name", table.name)["ContinuousBackupsDescription"]["ContinuousBackupsStatus"] == "ENABLED"
    backup = run("create-backup", "--table-name", table.name, "--backup-name", "nightly")["BackupDetails"]["BackupArn"]
    assert [one["BackupArn"] for one in run("list-backups", "--table-name", table.name)["BackupSummaries"]] == [backup]
    assert aws("dynamodb", "wait", "table-exists", "--table-name", table.name).code == 0
    export = run("export-table-to-point-in-time", "--table-arn", table.table_arn, "--s3-bucket", "cli", "--s3-prefix", table.name)["ExportDescription"]
    assert run("list-exports", "--table-arn", table.table_arn)["ExportSummaries"][0]["ExportArn"] == export["ExportArn"]
    assert run("scan", "--table-name", table.name, "--page-size", "1", "--query", "Count") == 2
