// DynamoDB through the AWS SDK for JavaScript v3: the client and the document client. Prints the names of the checks that passed.
import assert from "node:assert/strict";
import {
  BatchExecuteStatementCommand, CreateBackupCommand, CreateTableCommand, DeleteTableCommand, DescribeBackupCommand, DescribeContinuousBackupsCommand, DescribeExportCommand,
  DescribeTimeToLiveCommand, DynamoDBClient, ExportTableToPointInTimeCommand, PutItemCommand, TransactionCanceledException, UpdateContinuousBackupsCommand, UpdateTimeToLiveCommand,
  paginateScan, waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { BatchGetCommand, BatchWriteCommand, DynamoDBDocumentClient, ExecuteStatementCommand, ExecuteTransactionCommand, GetCommand, PutCommand, QueryCommand, TransactGetCommand, TransactWriteCommand, UpdateCommand, paginateQuery } from "@aws-sdk/lib-dynamodb";

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
const statement = `SELECT n, #s FROM "${table}" WHERE p = ? AND s = ?`.replace("#s", "s");
assert.deepEqual((await documents.send(new ExecuteStatementCommand({ Statement: statement, Parameters: ["a", 1] }))).Items, [{ n: 1, s: 1 }]);
await documents.send(new ExecuteTransactionCommand({ TransactStatements: [{ Statement: `UPDATE "${table}" SET n = ? WHERE p = ? AND s = ?`, Parameters: [{ deep: [2] }, "a", 1] }] }));
assert.deepEqual((await documents.send(new TransactGetCommand({ TransactItems: [{ Get: { TableName: table, Key: { p: "a", s: 1 } } }] }))).Responses[0].Item.n, { deep: [2] });
assert.equal((await documents.send(new BatchGetCommand({ RequestItems: { [table]: { Keys: [{ p: "many", s: 1 }, { p: "many", s: 99 }] } } }))).Responses[table].length, 1);
console.log("PartiQL");

await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1 }, { TableName: table });
await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification: { Enabled: true, AttributeName: "ends" } }));
assert.equal((await client.send(new DescribeTimeToLiveCommand({ TableName: table }))).TimeToLiveDescription.TimeToLiveStatus, "ENABLED");
const backup = (await client.send(new CreateBackupCommand({ TableName: table, BackupName: "nightly" }))).BackupDetails;
assert.equal((await client.send(new DescribeBackupCommand({ BackupArn: backup.BackupArn }))).BackupDescription.SourceTableDetails.TableName, table);
await client.send(new UpdateContinuousBackupsCommand({ TableName: table, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }));
const recovery = (await client.send(new DescribeContinuousBackupsCommand({ TableName: table }))).ContinuousBackupsDescription.PointInTimeRecoveryDescription;
assert.ok(recovery.LatestRestorableDateTime instanceof Date);
const begun = (await client.send(new ExportTableToPointInTimeCommand({ TableArn: backup.BackupArn.replace(/\/backup.*/, ""), S3Bucket: "js" }))).ExportDescription;
let exported = begun;
while (exported.ExportStatus === "IN_PROGRESS") exported = (await client.send(new DescribeExportCommand({ ExportArn: begun.ExportArn }))).ExportDescription;
assert.deepEqual([exported.ExportStatus, exported.ItemCount], ["COMPLETED", 21]);
console.log("time to live, backups and exports");

await client.send(new DeleteTableCommand({ TableName: table }));
console.log("done");
