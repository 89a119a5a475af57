// DynamoDB through the AWS SDK for JavaScript v3: the client and the document client. Prints the names of the checks that passed.
import assert from "node:assert/strict";
import { BatchExecuteStatementCommand, CreateTableCommand, DeleteTableCommand, DynamoDBClient, PutItemCommand, TransactionCanceledException, paginateScan } from "@aws-sdk/client-dynamodb";
import { BatchWriteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand, paginateQuery } from "@aws-sdk/lib-dynamodb";

const [endpoint, region, table] = process.argv.slice(2);
const client = new DynamoDBClient({ endpoint, region, maxAttempts: 1 });
const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });

await client.send(new CreateTableCommand({
  TableName: table, BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }, { AttributeName: "s", AttributeType: "N" }, { AttributeName: "g", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "p", KeyType: "HASH" }, { AttributeName: "s", KeyType: "RANGE" }],
  GlobalSecondaryIndexes: [{ IndexName: "by-g", KeySchema: [{ AttributeName: "g", KeyType: "HASH" }], Projection: { ProjectionType: "ALL" } }],
}));

await documents.send(new PutCommand({ TableName: table, Item: { p: "a", s: 1, list: [1, "x", null, true], map: { deep: { n: 1.5 } }, set: new Set(["a", "b"]), raw: new Uint8Array([0, 255]), none: undefined } }));
const got = (await documents.send(new GetCommand({ TableName: table, Key: { p: "a", s: 1 }, ConsistentRead: true }))).Item;
assert.deepEqual(got.list, [1, "x", null, true]);
assert.deepEqual(got.map, { deep: { n: 1.5 } });
assert.deepEqual([...got.set].sort(), ["a", "b"]);
assert.deepEqual([...got.raw], [0, 255]);
console.log("put and get");

const updated = await documents.send(new UpdateCommand({ TableName: table, Key: { p: "a", s: 1 }, UpdateExpression: "SET #g = :g ADD n :one", ExpressionAttributeNames: { "#g": "g" }, ExpressionAttributeValues: { ":g": "red", ":one": 1 }, ReturnValues: "UPDATED_NEW" }));
assert.deepEqual(updated.Attributes, { g: "red", n: 1 });
assert.equal((await documents.send(new QueryCommand({ TableName: table, IndexName: "by-g", KeyConditionExpression: "g = :g", ExpressionAttributeValues: { ":g": "red" } }))).Count, 1);
console.log("update and index");

await documents.send(new BatchWriteCommand({ RequestItems: { [table]: Array.from({ length: 20 }, (_, s) => ({ PutRequest: { Item: { p: "many", s, text: "é😀".repeat(200) } } })) } }));
let count = 0;
for await (const page of paginateQuery({ client: documents, pageSize: 6 }, { TableName: table, KeyConditionExpression: "p = :p", ExpressionAttributeValues: { ":p": "many" } })) count += page.Count;
assert.equal(count, 20);
count = 0;
for await (const page of paginateScan({ client, pageSize: 5 }, { TableName: table })) count += page.Count;
assert.equal(count, 21);
console.log("batches and pages");

await assert.rejects(documents.send(new TransactWriteCommand({ TransactItems: [
  { Put: { TableName: table, Item: { p: "t", s: 1 } } },
  { Update: { TableName: table, Key: { p: "a", s: 1 }, UpdateExpression: "SET n = :n", ConditionExpression: "n = :no", ExpressionAttributeValues: { ":n": 2, ":no": 99 } } } ] })),
  (error) => error instanceof TransactionCanceledException && error.CancellationReasons[1].Code === "ConditionalCheckFailed");
await assert.rejects(client.send(new PutItemCommand({ TableName: table, Item: { p: { S: "a" }, s: { N: "1" } }, ConditionExpression: "attribute_not_exists(p)", ReturnValuesOnConditionCheckFailure: "ALL_OLD" })),
  (error) => error.name === "ConditionalCheckFailedException" && error.Item.n.N === "1");
console.log("typed errors");

const answers = (await client.send(new BatchExecuteStatementCommand({ Statements: [{ Statement: `SELECT n FROM "${table}" WHERE p = ? AND s = ?`, Parameters: [{ S: "a" }, { N: "1" }] }, { Statement: "SELECT nothing" }] }))).Responses;
assert.equal(answers[0].Item.n.N, "1");
assert.equal(answers[1].Error.Code, "ValidationError");
console.log("PartiQL");

await client.send(new DeleteTableCommand({ TableName: table }));
console.log("done");
