"""Tables to files and back: exports and imports, where a bucket is a folder in the server's data folder."""
import base64
import gzip
import hashlib
import json
import time

import pytest
from botocore.exceptions import ClientError

DEADLINE_S = 60


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}])
    return name


def until(read, status):
    """Polls as an SDK's user does; a real client has nothing else."""
    deadline = time.monotonic() + DEADLINE_S
    while (found := read())[status] == "IN_PROGRESS":
        assert time.monotonic() < deadline, found
    return found


def exported(raw, **parameters):
    begun = raw.ok("dynamodb", "ExportTableToPointInTime", **parameters)["ExportDescription"]
    assert begun["ExportStatus"] in ("IN_PROGRESS", "COMPLETED")
    return until(lambda: raw.ok("dynamodb", "DescribeExport", ExportArn=begun["ExportArn"])["ExportDescription"], "ExportStatus")


def imported(raw, into, **parameters):
    creation = {"TableName": into, "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}]}
    creation.update(parameters.pop("creation", {}))
    begun = raw.ok("dynamodb", "ImportTable", TableCreationParameters=creation, **parameters)["ImportTableDescription"]
    return until(lambda: raw.ok("dynamodb", "DescribeImport", ImportArn=begun["ImportArn"])["ImportTableDescription"], "ImportStatus")


def test_there_and_back(raw, dynamodb, server, table, name):
    items = [{"p": {"S": f"é{i}"}, "n": {"N": "1.50"}, "m": {"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}]}}}, "b": {"B": b"\x00\xff"}} for i in range(60)]
    for start in range(0, 60, 20):
        dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in items[start:start + 20]]})
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    raw.error("dynamodb", "ExportTableToPointInTime", "PointInTimeRecoveryUnavailableException", 400, TableArn=arn, S3Bucket="backups")
    raw.ok("dynamodb", "UpdateContinuousBackups", TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    done = exported(raw, TableArn=arn, S3Bucket="backups", S3Prefix=name)
    assert (done["ExportStatus"], done["ItemCount"], done["S3Prefix"]) == ("COMPLETED", 60, name)

    bucket = server.data / "buckets" / "backups"
    summary = json.loads((bucket / done["ExportManifest"]).read_text())
    assert (summary["itemCount"], summary["tableArn"], summary["outputFormat"]) == (60, arn, "DYNAMODB_JSON")
    lines = []
    for line in (bucket / summary["manifestFilesS3Key"]).read_text().splitlines():
        file = json.loads(line)
        data = (bucket / file["dataFileS3Key"]).read_bytes()
        assert file["md5Checksum"] == base64.b64encode(hashlib.md5(data).digest()).decode()
        lines += gzip.decompress(data).decode().splitlines()
    assert sorted(json.loads(line)["Item"]["p"]["S"] for line in lines) == sorted(item["p"]["S"] for item in items)

    prefix = summary["manifestFilesS3Key"].replace("manifest-files.json", "data/")
    done = imported(raw, name + "-again", S3BucketSource={"S3Bucket": "backups", "S3KeyPrefix": prefix}, InputFormat="DYNAMODB_JSON", InputCompressionType="GZIP")
    assert (done["ImportStatus"], done["ImportedItemCount"], done["ErrorCount"]) == ("COMPLETED", 60, 0)
    by_key = lambda item: item["p"]["S"]  # noqa: E731
    again = dynamodb.scan(TableName=name + "-again")["Items"]
    assert sorted(again, key=by_key) == sorted(dynamodb.scan(TableName=table)["Items"], key=by_key)
    assert [one["ImportArn"] for one in raw.ok("dynamodb", "ListImports", TableArn=arn + "-again")["ImportSummaryList"]] == [done["ImportArn"]]


def test_csv_through_the_cli(aws, raw, dynamodb, server, name):
    folder = server.data / "buckets" / "sheets" / name
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text('p,n,note\nx,1,"a, ""b"""\ny,2,\nz,none,bad key\n')
    made = aws("dynamodb", "import-table", "--s3-bucket-source", f"S3Bucket=sheets,S3KeyPrefix={name}/", "--input-format", "CSV", "--table-creation-parameters",
               json.dumps({"TableName": name, "BillingMode": "PAY_PER_REQUEST",
                           "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                           "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
                           "GlobalSecondaryIndexes": [{"IndexName": "by-n", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]}))
    assert made.code == 0, made.err
    arn = made.json["ImportTableDescription"]["ImportArn"]
    done = until(lambda: raw.ok("dynamodb", "DescribeImport", ImportArn=arn)["ImportTableDescription"], "ImportStatus")
    assert (done["ProcessedItemCount"], done["ImportedItemCount"], done["ErrorCount"]) == (3, 2, 1)
    assert done["TableCreationParameters"]["GlobalSecondaryIndexes"][0]["IndexName"] == "by-n"
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    assert dynamodb.get_item(TableName=name, Key={"p": {"S": "x"}, "n": {"N": "1"}})["Item"]["note"]["S"] == 'a, "b"'
    assert dynamodb.query(TableName=name, IndexName="by-n", KeyConditionExpression="n = :n", ExpressionAttributeValues={":n": {"N": "2"}})["Count"] == 1


def test_tokens_lists_and_pages(raw, table, dynamodb):
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    raw.ok("dynamodb", "UpdateContinuousBackups", TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    first = exported(raw, TableArn=arn, S3Bucket="backups", ClientToken=table)
    assert exported(raw, TableArn=arn, S3Bucket="backups", ClientToken=table) == first
    raw.error("dynamodb", "ExportTableToPointInTime", "ExportConflictException", 400, TableArn=arn, S3Bucket="others", ClientToken=table)
    second = exported(raw, TableArn=arn, S3Bucket="backups")
    page = raw.ok("dynamodb", "ListExports", TableArn=arn, MaxResults=1)
    rest = raw.ok("dynamodb", "ListExports", TableArn=arn, NextToken=page["NextToken"])
    assert [one["ExportArn"] for one in page["ExportSummaries"] + rest["ExportSummaries"]] == [first["ExportArn"], second["ExportArn"]]


@pytest.mark.parametrize("bucket, prefix", [("..", ""), ("a/b", ""), ("backups", "../out"), ("backups", "a/../../out"), ("backups", "/etc"), ("backups", "a\u0000b")])
def test_no_way_out_of_the_buckets(raw, table, name, dynamodb, bucket, prefix):
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    raw.ok("dynamodb", "UpdateContinuousBackups", TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    raw.error("dynamodb", "ExportTableToPointInTime", "ValidationException", 400, TableArn=arn, S3Bucket=bucket, S3Prefix=prefix)
    creation = {"TableName": name + "x", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}]}
    source = {"S3Bucket": bucket, "S3KeyPrefix": prefix}
    raw.error("dynamodb", "ImportTable", "ValidationException", 400, S3BucketSource=source, InputFormat="CSV", TableCreationParameters=creation)


def test_what_is_refused(raw, table, name, dynamodb):
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    raw.error("dynamodb", "ExportTableToPointInTime", "TableNotFoundException", 400, TableArn=arn + "-not", S3Bucket="backups")
    raw.error("dynamodb", "ExportTableToPointInTime", "ValidationException", 400, TableArn=arn, S3Bucket="backups", ExportFormat="ION")
    raw.error("dynamodb", "DescribeExport", "ExportNotFoundException", 400, ExportArn=arn + "/export/1")
    raw.error("dynamodb", "DescribeImport", "ImportNotFoundException", 400, ImportArn=arn + "/import/1")
    failed = imported(raw, name + "-not", S3BucketSource={"S3Bucket": "nowhere"}, InputFormat="CSV")
    assert (failed["ImportStatus"], failed["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        dynamodb.describe_table(TableName=name + "-not")
