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
  await documents.transactWrite({ TransactItems: [{ Put: { TableName: table, Item: { p: "c", list: [1, null] } } }, { Delete: { TableName: table, Key: { p: "b" } } }] }).promise();
  assert.deepEqual((await documents.transactGet({ TransactItems: [{ Get: { TableName: table, Key: { p: "c" } } }] }).promise()).Responses[0].Item, { p: "c", list: [1, null] });
  const failed = await documents.transactWrite({ TransactItems: [{ ConditionCheck: { TableName: table, Key: { p: "b" }, ConditionExpression: "attribute_exists(p)" } }] }).promise().catch((error) => error);
  assert.equal(failed.code, "TransactionCanceledException");
  assert.match(failed.message, /\[ConditionalCheckFailed\]/);
  assert.deepEqual((await client.executeStatement({ Statement: `SELECT p FROM "${table}" WHERE p = ?`, Parameters: [{ S: "c" }] }).promise()).Items, [{ p: { S: "c" } }]);
  assert.deepEqual((await documents.batchGet({ RequestItems: { [table]: { Keys: [{ p: "c" }, { p: "b" }], ProjectionExpression: "p" } } }).promise()).Responses[table], [{ p: "c" }]);
  await client.updateTimeToLive({ TableName: table, TimeToLiveSpecification: { Enabled: true, AttributeName: "ends" } }).promise();
  await client.createBackup({ TableName: table, BackupName: "nightly" }).promise();
  assert.equal((await client.listBackups({ TableName: table }).promise()).BackupSummaries.length, 1);

  const streamed = (await client.updateTable({ TableName: table, StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" } }).promise()).TableDescription;
  await documents.put({ TableName: table, Item: { p: "d" } }).promise();
  const streams = new AWS.DynamoDBStreams({ endpoint, region, maxRetries: 0 });
  const shard = (await streams.describeStream({ StreamArn: streamed.LatestStreamArn }).promise()).StreamDescription.Shards[0];
  const from = { StreamArn: streamed.LatestStreamArn, ShardId: shard.ShardId, ShardIteratorType: "TRIM_HORIZON" };
  const { ShardIterator } = await streams.getShardIterator(from).promise();
  assert.deepEqual((await streams.getRecords({ ShardIterator }).promise()).Records[0].dynamodb.NewImage, { p: { S: "d" } });
  await client.deleteTable({ TableName: table }).promise();
  console.log("done");
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
