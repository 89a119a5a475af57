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
    refused(mine.execute_statement, "AccessDeniedException", Statement=f"DELETE FROM {table} WHERE p = 'a' AND s = '1'")
