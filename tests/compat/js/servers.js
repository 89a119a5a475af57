// Other people's servers of AWS services, all in this process and in memory: s3rver (S3), kinesalite (Kinesis), local-aws-sqs (SQS). What rules send to
// "AWS" can be sent to them, and read back with any SDK. The argument names a folder for S3's objects. Prints the ports as one line of JSON when all listen,
// ends when its standard input does.
const { once } = require("events");

const HOST = "127.0.0.1";

async function main() {
  const S3rver = require("s3rver");
  const s3 = await new S3rver({ address: HOST, port: 0, silent: true, directory: process.argv[2], vhostBuckets: false }).run();
  const kinesis = require("kinesalite")({ createStreamMs: 0, deleteStreamMs: 0 }).listen(0, HOST);
  await once(kinesis, "listening");
  const { createSqsServer } = await import("local-aws-sqs");
  const sqs = await createSqsServer({ port: 0, hostname: HOST });
  if (!sqs.listening) await once(sqs, "listening");
  console.log(JSON.stringify({ s3: s3.port, kinesis: kinesis.address().port, sqs: sqs.address().port }));
  process.stdin.resume().on("end", () => process.exit(0));
}

main();
