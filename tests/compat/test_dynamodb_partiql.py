"""PartiQL through stock clients."""
import pytest

from test_dynamodb import ATTRIBUTES, KEYS


@pytest.fixture
def table(raw, name):
    raw.ok("dynamodb", "CreateTable", TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, BillingMode="PAY_PER_REQUEST")
    return name


def execute(raw, statement, *parameters, **more):
    if parameters:
        more["Parameters"] = list(parameters)
    return raw.ok("dynamodb", "ExecuteStatement", Statement=statement, **more)


def test_statements(raw, table):
    for number in range(5):
        execute(raw, f"INSERT INTO \"{table}\" VALUE {{'p': ?, 's': {number}, 'v': 'x'}}", {"S": "a"})
    raw.error("dynamodb", "ExecuteStatement", "DuplicateItemException", 400, Statement=f"INSERT INTO {table} VALUE {{'p':'a','s':1}}")
    page = execute(raw, f"SELECT s FROM {table} WHERE p = 'a' ORDER BY s DESC", Limit=2)
    assert [one["s"]["N"] for one in page["Items"]] == ["4", "3"]
    page = execute(raw, f"SELECT s FROM {table} WHERE p = 'a' ORDER BY s DESC", NextToken=page["NextToken"])
    assert [one["s"]["N"] for one in page["Items"]] == ["2", "1", "0"] and "NextToken" not in page
    assert execute(raw, f"UPDATE {table} SET v = 'y' WHERE p = 'a' AND s = 1 RETURNING MODIFIED NEW *")["Items"] == [{"v": {"S": "y"}}]
    raw.error("dynamodb", "ExecuteStatement", "ConditionalCheckFailedException", 400, Statement=f"UPDATE {table} SET v = 'y' WHERE p = 'a' AND s = 77")
    execute(raw, f"DELETE FROM {table} WHERE p = 'a' AND s = 1")
    assert len(execute(raw, f"SELECT * FROM {table}")["Items"]) == 4


def test_batches_and_transactions(raw, dynamodb, table):
    answers = raw.ok("dynamodb", "BatchExecuteStatement", Statements=[
        {"Statement": f"INSERT INTO {table} VALUE {{'p':'a','s':1}}"}, {"Statement": f"INSERT INTO {table} VALUE {{'p':'a','s':1}}"},
        {"Statement": f"SELECT * FROM {table} WHERE p='a' AND s=1"}, {"Statement": f"SELECT * FROM {table} WHERE p='a'"}])["Responses"]
    assert [one.get("Error", {}).get("Code") for one in answers] == [None, "DuplicateItem", None, "ValidationError"]
    assert answers[2]["Item"] == {"p": {"S": "a"}, "s": {"N": "1"}}
    raw.ok("dynamodb", "ExecuteTransaction", TransactStatements=[{"Statement": f"UPDATE {table} SET v=1 WHERE p='a' AND s=1"}])
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.execute_transaction(TransactStatements=[
            {"Statement": f"EXISTS(SELECT * FROM {table} WHERE p='a' AND s=1 AND v = 2)"}, {"Statement": f"INSERT INTO {table} VALUE {{'p':'b','s':1}}"}])
    got = raw.ok("dynamodb", "ExecuteTransaction", TransactStatements=[
        {"Statement": f"SELECT v FROM {table} WHERE p='a' AND s=1"}, {"Statement": f"SELECT * FROM {table} WHERE p='b' AND s=1"}])["Responses"]
    assert got == [{"Item": {"v": {"N": "1"}}}, {}]
