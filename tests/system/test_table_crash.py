"""kill -9 while clients write: nothing acknowledged is lost, no transaction is seen in part. And backups of a server at work."""
import random
import subprocess
import threading

import botocore.config
import botocore.exceptions

from tests.support.fogbank_server import BINARY, FogbankServer, clean_environment

ONE_ATTEMPT = botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)


def make_table(client, name="pairs"):
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}],
                        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
                        GlobalSecondaryIndexes=[{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
                        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})


class Writer(threading.Thread):
    """Raises a number in two items by transactions until the server is gone; remembers the last one that was acknowledged."""

    def __init__(self, client, number, start):
        super().__init__()
        self.client, self.name_, self.acknowledged = client, f"w{number}", start
        self.start()

    def run(self):
        while True:
            value = self.acknowledged + 1
            puts = [{"Put": {"TableName": "pairs", "Item": {"p": {"S": f"{self.name_}-{side}"}, "v": {"N": str(value)}, "g": {"S": f"{self.name_}-{value}"}}}} for side in "ab"]
            try:
                self.client.transact_write_items(TransactItems=puts)
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                return
            self.acknowledged = value


def test_nothing_acknowledged_is_lost(tmp_path):
    server = FogbankServer(tmp_path / "data").start()
    client = server.boto3("dynamodb", config=ONE_ATTEMPT)
    make_table(client)
    chance = random.Random(7)
    last = [0, 0, 0, 0]
    for _ in range(4):
        writers = [Writer(client, number, last[number]) for number in range(len(last))]
        writers[0].join(timeout=chance.uniform(0.1, 0.6))  # they write meanwhile
        server.kill()
        for writer in writers:
            writer.join()
        server.start()
        client = server.boto3("dynamodb", config=ONE_ATTEMPT)
        for writer in writers:
            got = [client.get_item(TableName="pairs", Key={"p": {"S": f"{writer.name_}-{side}"}}).get("Item") for side in "ab"]
            values = [int(item["v"]["N"]) if item else 0 for item in got]
            assert values[0] == values[1], "half a transaction"
            # The one under way may have been committed without an answer.
            assert writer.acknowledged <= values[0] <= writer.acknowledged + 1
            last[int(writer.name_[1:])] = values[0]
            if values[0]:
                found = client.query(TableName="pairs", IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": f"{writer.name_}-{values[0]}"}})
                assert found["Count"] == 2, "the index does not follow"
        assert client.scan(TableName="pairs", IndexName="by-g", Select="COUNT")["Count"] == client.scan(TableName="pairs", Select="COUNT")["Count"]
    assert sum(last) > 0
    assert server.stop() == 0


def command(*arguments):
    return subprocess.run([str(BINARY), *map(str, arguments)], env=clean_environment(), capture_output=True, text=True, timeout=60)


def test_backup_of_a_server_at_work(tmp_path):
    server = FogbankServer(tmp_path / "data").start()
    client = server.boto3("dynamodb", config=ONE_ATTEMPT)
    make_table(client)
    writer = Writer(client, 0, 0)
    writer.join(timeout=0.3)
    done = command("backup", tmp_path / "backup", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    refused = command("restore", tmp_path / "backup", "--data", tmp_path / "data")
    assert refused.returncode == 3 and "in use" in refused.stderr
    server.kill()
    writer.join()
    done = command("restore", tmp_path / "backup", "--data", tmp_path / "other")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "other" / "fogbank.db").exists()
    restored = FogbankServer(tmp_path / "other").start()
    client = restored.boto3("dynamodb", config=ONE_ATTEMPT)
    values = {item["v"]["N"] for item in client.scan(TableName="pairs")["Items"]}
    assert len(values) == 1
    assert restored.stop() == 0
