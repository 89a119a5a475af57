"""IAM policies on tables: leading keys, attributes, indexes, PartiQL, streams."""
import pytest

from test_iam import allow, as_user, iam, policy, refused  # noqa: F401 (fixtures)

KEYS = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=KEYS,
                          AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in "psg"],
                          GlobalSecondaryIndexes=[{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
                          StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    return name


def arn(server, name, more=""):
    return f"arn:aws:dynamodb:{server.region}:{server.account_id}:table/{name}{more}"


def key(p, s="1"):
    return {"p": {"S": p}, "s": {"S": s}}


def test_leading_keys(as_user, server, table):  # noqa: F811
    mine = as_user("dynamodb", policy(allow("dynamodb:*", [arn(server, table), arn(server, table, "/index/*")],
                                            Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["me"]}, "Null": {"dynamodb:LeadingKeys": "false"}})))
    mine.put_item(TableName=table, Item={**key("me"), "g": {"S": "me"}})
    mine.get_item(TableName=table, Key=key("me"))
    mine.query(TableName=table, KeyConditionExpression="#p = :p", ExpressionAttributeNames={"#p": "p"}, ExpressionAttributeValues={":p": {"S": "me"}})
    mine.query(TableName=table, IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "me"}})
    mine.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": key("me", "2")}}]})
    other = {"TableName": table, "Key": key("you")}
    refused(mine.get_item, "AccessDeniedException", **other)
    refused(mine.update_item, "AccessDeniedException", **other)
    refused(mine.scan, "AccessDeniedException", TableName=table)
    refused(mine.query, "AccessDeniedException", TableName=table, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "you"}})
    refused(mine.batch_get_item, "AccessDeniedException", RequestItems={table: {"Keys": [key("me"), key("you")]}})
    refused(mine.transact_write_items, "AccessDeniedException", TransactItems=[{"Put": {"TableName": table, "Item": key("me")}}, {"Delete": other}])


def test_attributes(as_user, server, table):  # noqa: F811
    mine = as_user("dynamodb", policy(allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], arn(server, table), Condition={
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["p", "s", "open"]}, "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]}})))
    mine.update_item(TableName=table, Key=key("a"), UpdateExpression="SET #o = :v", ExpressionAttributeNames={"#o": "open"}, ExpressionAttributeValues={":v": {"N": "1"}})
    mine.get_item(TableName=table, Key=key("a"), ProjectionExpression="p, #o", ExpressionAttributeNames={"#o": "open"})
    refused(mine.get_item, "AccessDeniedException", TableName=table, Key=key("a"))
    refused(mine.get_item, "AccessDeniedException", TableName=table, Key=key("a"), ProjectionExpression="hidden")
    refused(mine.update_item, "AccessDeniedException", TableName=table, Key=key("a"), UpdateExpression="REMOVE hidden.x")
    refused(mine.update_item, "AccessDeniedException", TableName=table, Key=key("a"), UpdateExpression="REMOVE #o", ExpressionAttributeNames={"#o": "open"}, ReturnValues="ALL_OLD")


def test_statements_and_streams(as_user, dynamodb, make_client, server, table):  # noqa: F811
    mine = as_user("dynamodb", policy(allow("dynamodb:PartiQLInsert", arn(server, table)),
                                      allow("dynamodb:PartiQLSelect", arn(server, table), Condition={"Bool": {"dynamodb:FullTableScan": "false"}}),
                                      allow("dynamodb:DescribeStream", arn(server, table, "/stream/*"))))
    mine.execute_statement(Statement=f"INSERT INTO {table} VALUE {{'p':'a','s':'1'}}")
    mine.execute_statement(Statement=f"SELECT * FROM {table} WHERE p = 'a'")
    refused(mine.execute_statement, "AccessDeniedException", Statement=f"SELECT * FROM {table}")
    refused(mine.execute_statement, "AccessDeniedException", Statement=f"SELECT * FROM {table} WHERE s = '1'")  # does not fix the partition key
    refused(mine.execute_statement, "AccessDeniedException", Statement=f"DELETE FROM {table} WHERE p = 'a' AND s = '1'")


def test_leading_keys_and_attributes_of_statements(as_user, dynamodb, server, table):  # noqa: F811
    dynamodb.put_item(TableName=table, Item={**key("me"), "g": {"S": "me"}, "open": {"N": "1"}, "hidden": {"N": "2"}})
    mine = as_user("dynamodb", policy(allow("dynamodb:PartiQL*", [arn(server, table), arn(server, table, "/index/*")], Condition={
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["me"], "dynamodb:Attributes": ["p", "s", "g", "open"]}, "Null": {"dynamodb:LeadingKeys": "false"},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]}})))
    text, other = [{"S": "me"}], [{"S": "you"}]

    def run(statement, parameters=None):
        return mine.execute_statement(Statement=statement, **({"Parameters": parameters} if parameters else {}))["Items"]

    def no(statement, parameters=None):
        refused(mine.execute_statement, "AccessDeniedException", Statement=statement, **({"Parameters": parameters} if parameters else {}))

    assert run(f'SELECT "open" FROM "{table}" WHERE p = ?', text) == [{"open": {"N": "1"}}]
    assert run(f"SELECT s FROM {table} WHERE p IN ['me']") == run(f"SELECT s FROM {table} WHERE p = 'me' OR p = 'me'") == [{"s": {"S": "1"}}]
    assert run(f'SELECT s FROM {table}."by-g" WHERE g = ?', text) == [{"s": {"S": "1"}}]
    no(f'SELECT "open" FROM "{table}" WHERE p = ?', other)
    no(f"SELECT s FROM {table} WHERE p IN ['me', 'you']")
    no(f"SELECT s FROM {table} WHERE p = 'me' OR s = '1'")
    no(f"SELECT s FROM {table} WHERE NOT p = 'you'")
    no(f"SELECT s FROM {table} WHERE s = '1'")
    no(f'SELECT s FROM {table}."by-g" WHERE g = ? AND p = ?', [*other, *text])
    no(f"SELECT hidden FROM {table} WHERE p = 'me'")
    no(f"SELECT s FROM {table} WHERE p = 'me' AND hidden = 2")
    no(f"SELECT * FROM {table} WHERE p = 'me'")
    run(f'UPDATE {table} SET "open" = 5 WHERE p = ? AND s = ?', [*text, {"S": "1"}])
    no(f'UPDATE {table} SET "open" = hidden WHERE p = ? AND s = ?', [*text, {"S": "1"}])
    no(f"UPDATE {table} REMOVE hidden WHERE p = 'me' AND s = '1'")
    no(f"UPDATE {table} SET \"open\" = 5 WHERE p = 'me' AND s = '1' RETURNING ALL OLD *")
    run(f"INSERT INTO {table} VALUE {{'p': ?, 's': '2'}}", text)
    no(f"INSERT INTO {table} VALUE {{'p': ?, 's': '2'}}", other)
    no(f"INSERT INTO {table} VALUE {{'p': 'me', 's': '3', 'hidden': 1}}")
    run(f"DELETE FROM {table} WHERE p = 'me' AND s = '2'")
    no(f"DELETE FROM {table} WHERE p = 'you' AND s = '2'")
    both = [{"Statement": f"SELECT s FROM {table} WHERE p = ? AND s = '1'", "Parameters": one} for one in (text, other)]
    refused(mine.batch_execute_statement, "AccessDeniedException", Statements=both)
    refused(mine.execute_transaction, "AccessDeniedException", TransactStatements=both)
    assert mine.execute_transaction(TransactStatements=both[:1])["Responses"] == [{"Item": {"s": {"S": "1"}}}]
