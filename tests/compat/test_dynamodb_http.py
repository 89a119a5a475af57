"""DynamoDB's HTTP manners: checksum, compression, CORS, health check, and JSON that is none."""
import gzip
import json
import zlib

import pytest
import urllib3

from test_dynamodb import ATTRIBUTES, KEYS

HEADERS = {"Content-Type": "application/x-amz-json-1.0"}


def send(raw, operation, body, **headers):
    return raw.send("dynamodb", "POST", "/", body, {**HEADERS, "X-Amz-Target": "DynamoDB_20120810." + operation, **headers})


@pytest.fixture
def table(raw, name):
    raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, BillingMode="PAY_PER_REQUEST")
    return name


def test_checksum(raw):
    for operation in ("ListTables", "NoSuchOperation"):
        answer = send(raw, operation, "{}")
        assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.body)


def test_compressed_bodies(server, raw, table):
    item = {"p": {"S": "a"}, "s": {"N": "1"}, "text": {"S": "x" * 5000}}
    put = send(raw, "PutItem", gzip.compress(json.dumps({"TableName": table, "Item": item}).encode()), **{"Content-Encoding": "gzip"})
    assert put.status == 200, put.body
    sent = []
    answer = raw.send("dynamodb", "POST", "/", json.dumps({"TableName": table, "Key": {"p": {"S": "a"}, "s": {"N": "1"}}}),
                      {**HEADERS, "X-Amz-Target": "DynamoDB_20120810.GetItem"}, after_signing=lambda request: (request.headers.add_header("Accept-Encoding", "gzip"), sent.append(request)))
    # urllib3 has decompressed it; the checksum is of the bytes as sent.
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(answer.body)["Item"] == item
    assert send(raw, "PutItem", b"no gzip", **{"Content-Encoding": "gzip"}).error == "SerializationException"
    bomb = send(raw, "PutItem", gzip.compress(b" " * (100 << 20)), **{"Content-Encoding": "gzip"})
    assert bomb.status in (400, 413), bomb.body


def test_health_check_and_browsers(server):
    pool = urllib3.PoolManager(retries=False)
    answer = pool.request("GET", server.api_url + "/")
    assert answer.status == 200 and answer.data.decode().startswith("healthy: dynamodb.")
    answer = pool.request("OPTIONS", server.api_url + "/", headers={"Origin": "http://page.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target,authorization"})
    assert answer.status == 200
    assert (answer.headers["access-control-allow-origin"], answer.headers["access-control-allow-headers"]) == ("*", "x-amz-target,authorization")


def test_answers_to_browsers(raw):
    answer = send(raw, "ListTables", "{}", Origin="http://page.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-amzn-requestid" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("item, error", [
    ('{"p":{"S":"a"},"s":{"N":1}}', "SerializationException"),
    ('{"p":{"S":"\\ud800"},"s":{"N":"1"}}', "SerializationException"),
    ('{"p":{"S":"a"},"s":{"N":"1e999999999"}}', "ValidationException"),
    ('{"p":{"S":"a"},"s":{"N":"NaN"}}', "ValidationException"),
    ('{"p":{"S":"a"},"s":{"N":"0x10"}}', "ValidationException"),
    ('{"p":{"S":"a"},"s":{"N":"1"},"b":{"B":"***="}}', "SerializationException"),
    ('{"p":{"S":"a"},"s":{"N":"1"},"x":' + '{"L":[' * 40 + "]}" * 40 + "}", "ValidationException"),
    ('{"p":{"S":"a"},"s":{"N":"1"},"x":' + '{"L":[' * 4000 + "]}" * 4000 + "}", "SerializationException"),
    ('{"p":{"S":"a"},"s":{"N":"1"},}', "SerializationException"),
])
def test_json_abuse(raw, table, item, error):
    answer = send(raw, "PutItem", '{"TableName":"%s","Item":%s}' % (table, item))
    assert (answer.status, answer.error) == (400, error), answer.body


def test_of_equal_members_the_last_counts(raw, table):
    answer = send(raw, "PutItem", '{"TableName":"nope","TableName":"%s","Item":{"p":{"S":"no"},"p":{"S":"a"},"s":{"N":"1"}}}' % table)
    assert answer.status == 200, answer.body
    assert raw.ok("dynamodb", "Scan", TableName=table)["Items"] == [{"p": {"S": "a"}, "s": {"N": "1"}}]


def test_numbers_of_requests_that_are_too_large(raw, table):
    answer = send(raw, "Scan", '{"TableName":"%s","Limit":99999999999999999999999}' % table)
    assert (answer.status, answer.error) == (400, "SerializationException"), answer.body


def test_connections_are_kept(server, raw, table):
    for _ in range(20):
        assert send(raw, "ListTables", "{}").status == 200
