// DynamoDB through the AWS SDK for JavaScript v2: the client, which checks x-amz-crc32 of each answer, and the document client.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const assert = require("node:assert/strict");
const AWS = require("aws-sdk");

const [endpoint, region, table] = process.argv.slice(2);
const client = new AWS.DynamoDB({ endpoint, region, maxRetries: 0 });
const documents = new AWS.DynamoDB.DocumentClient({ service: client });

(async () => {
  await client.createTable({ TableName: table, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }], KeySchema: [{ AttributeName: "p", KeyType: "HASH" }] }).promise();
  await client.waitFor("tableExists", { TableName: table, $waiter: { delay: 1, maxAttempts: 5 } }).promise();
  await documents.put({ TableName: table, Item: { p: "a", n: 1, set: documents.createSet([1, 2]), nested: { list: ["x"] } } }).promise();
  const got = (await documents.get({ TableName: table, Key: { p: "a" } }).promise()).Item;
  assert.deepEqual(got.nested, { list: ["x"] });
  assert.deepEqual(got.set.values.sort(), [1, 2]);
  const updated = await documents.update({ TableName: table, Key: { p: "a" }, AttributeUpdates: { n: { Action: "ADD", Value: 2 } }, ReturnValues: "ALL_NEW" }).promise();
  assert.equal(updated.Attributes.n, 3);
  await assert.rejects(documents.put({ TableName: table, Item: { p: "a" }, Expected: { p: { Exists: false } } }).promise(), { code: "ConditionalCheckFailedException" });
  await documents.batchWrite({ RequestItems: { [table]: [{ PutRequest: { Item: { p: "b" } } }, { DeleteRequest: { Key: { p: "a" } } }] } }).promise();
  assert.deepEqual((await documents.scan({ TableName: table }).promise()).Items, [{ p: "b" }]);
  await client.deleteTable({ TableName: table }).promise();
  console.log("done");
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
