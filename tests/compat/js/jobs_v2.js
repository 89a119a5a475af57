// The v2 jobs client (iotjobs) of the AWS IoT Device SDK v2 over MQTT 3.1.1. Prints one JSON line per result.
// Arguments: JSON {host, port, ca, cert, key, thing, clientId, operations: [["getPendingJobExecutions", {...}], …]}.
const { iot, mqtt, iotjobs } = require('aws-iot-device-sdk-v2');

const config = JSON.parse(process.argv[2]);
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');

async function open(stream, name) {
  const subscribed = new Promise((resolve) => stream.on('subscriptionStatus', resolve));
  stream.on('incomingPublish', (event) => say({ event: name, message: event.message }));
  stream.open();
  await subscribed;
}

async function main() {
  const builder = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(config.cert, config.key);
  builder.with_certificate_authority_from_path(undefined, config.ca).with_clean_session(true).with_client_id(config.clientId)
    .with_endpoint(config.host).with_port(config.port);
  const connection = new mqtt.MqttClient().new_connection(builder.build());
  await connection.connect();
  const client = iotjobs.IotJobsClientv2.newFromMqtt311(connection, { maxRequestResponseSubscriptions: 6, maxStreamingSubscriptions: 2, operationTimeoutInSeconds: 20 });
  await open(client.createJobExecutionsChangedStream({ thingName: config.thing }), 'notify');
  await open(client.createNextJobExecutionChangedStream({ thingName: config.thing }), 'notify-next');
  for (const [operation, body] of config.operations) {
    try {
      const answer = await client[operation]({ thingName: config.thing, ...body });
      say({ event: 'accepted', operation, answer });
    } catch (error) {
      say({ event: 'rejected', operation, error: String(error), answer: error.modeledError });
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 300)); // streams are separate subscriptions: what belongs to the last answer may come after it
  client.close();
  await connection.disconnect();
  process.exit(0);
}

main().catch((error) => { say({ event: 'failed', error: String(error) }); process.exit(1); });
