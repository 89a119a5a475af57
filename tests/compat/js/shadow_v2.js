// The v2 shadow client (iotshadow) of the AWS IoT Device SDK v2 over MQTT 3.1.1 or 5. Prints one JSON line per result.
// Arguments: JSON {host, port, ca, cert, key, thing, clientId, mqtt5, shadow (or none), operations: [["get"], ["update", {...}], ["delete"]]}.
const { iot, mqtt, mqtt5, iotshadow } = require('aws-iot-device-sdk-v2');

const config = JSON.parse(process.argv[2]);
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const options = { maxRequestResponseSubscriptions: 5, maxStreamingSubscriptions: 5, operationTimeoutInSeconds: 20 };

async function connect311() {
  const builder = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(config.cert, config.key);
  builder.with_certificate_authority_from_path(undefined, config.ca).with_clean_session(true).with_client_id(config.clientId)
    .with_endpoint(config.host).with_port(config.port);
  const connection = new mqtt.MqttClient().new_connection(builder.build());
  await connection.connect();
  return { client: iotshadow.IotShadowClientv2.newFromMqtt311(connection, options), stop: () => connection.disconnect() };
}

async function connect5() {
  const builder = iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromPath(config.host, config.cert, config.key);
  builder.withCertificateAuthorityFromPath(undefined, config.ca).withPort(config.port).withConnectProperties({ keepAliveIntervalSeconds: 60, clientId: config.clientId });
  const client = new mqtt5.Mqtt5Client(builder.build());
  const connected = new Promise((resolve, reject) => {
    client.on('connectionSuccess', resolve);
    client.on('connectionFailure', (event) => reject(event.error));
  });
  client.start();
  await connected;
  return {
    client: iotshadow.IotShadowClientv2.newFromMqtt5(client, options),
    stop: () => new Promise((resolve) => { client.on('stopped', resolve); client.stop(); }),
  };
}

async function open(stream, name) {
  const subscribed = new Promise((resolve) => stream.on('subscriptionStatus', resolve));
  stream.on('incomingPublish', (event) => say({ event: name, message: event.message }));
  stream.open();
  await subscribed;
}

async function main() {
  const { client, stop } = await (config.mqtt5 ? connect5() : connect311());
  const named = config.shadow ? 'Named' : '';
  const which = { thingName: config.thing, ...(config.shadow ? { shadowName: config.shadow } : {}) };
  await open(client[`create${named}ShadowDeltaUpdatedStream`](which), 'delta');
  await open(client[`create${named}ShadowUpdatedStream`](which), 'documents');
  for (const [operation, body] of config.operations) {
    try {
      const answer = await client[`${operation}${named}Shadow`]({ ...which, ...(body || {}) });
      say({ event: 'accepted', operation, answer });
    } catch (error) {
      say({ event: 'rejected', operation, error: String(error), answer: error.modeledError });
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 300)); // streams are separate subscriptions: what belongs to the last answer may come after it
  client.close();
  await stop();
  process.exit(0);
}

main().catch((error) => { say({ event: 'failed', error: String(error) }); process.exit(1); });
