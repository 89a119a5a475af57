'use strict';
const { once } = require('events');
const { mqtt5, iot, auth } = require('aws-iot-device-sdk-v2');
const { settings, finish } = require('./report');

function configuration() {
    const Builder = iot.AwsIotMqtt5ClientConfigBuilder;
    const builder = settings.mode === 'websocket'
        ? Builder.newWebsocketMqttBuilderWithSigv4Auth(settings.host, {
            region: settings.region,
            credentialsProvider: auth.AwsCredentialsProvider.newStatic(settings.accessKeyId, settings.secretAccessKey, settings.sessionToken),
        })
        : Builder.newDirectMqttBuilderWithMtlsFromPath(settings.host, settings.cert, settings.key);
    builder.withCertificateAuthorityFromPath(undefined, settings.ca);
    builder.withPort(settings.port);
    builder.withConnectProperties({ clientId: settings.clientId, keepAliveIntervalSeconds: 1200 });
    return builder.build();
}

async function main() {
    const client = new mqtt5.Mqtt5Client(configuration());
    let negotiated;
    client.on('connectionFailure', (event) => finish({ error: String(event.error), reasonCode: event.connack && event.connack.reasonCode }));
    client.on('messageReceived', ({ message }) => finish({
        topic: message.topicName,
        payload: Buffer.from(message.payload).toString(),
        contentType: message.contentType,
        responseTopic: message.responseTopic,
        correlationData: Buffer.from(message.correlationData).toString(),
        userProperties: message.userProperties.map(({ name, value }) => [name, value]),
        topicAliasMaximum: negotiated.topicAliasMaximumToServer,
        receiveMaximum: negotiated.receiveMaximumFromServer,
    }));
    const connected = once(client, 'connectionSuccess');
    client.start();
    negotiated = (await connected)[0].settings;
    await client.subscribe({ subscriptions: [{ topicFilter: settings.topic, qos: mqtt5.QoS.AtLeastOnce }] });
    await client.publish({
        topicName: settings.topic,
        qos: mqtt5.QoS.AtLeastOnce,
        payload: 'x'.repeat(5),
        contentType: 'text/plain',
        responseTopic: 'answers',
        correlationData: 'c1',
        userProperties: [{ name: 'k', value: 'v' }, { name: 'k', value: 'w' }],
    });
}

main().catch((error) => finish({ error: String(error.message || error) }));
