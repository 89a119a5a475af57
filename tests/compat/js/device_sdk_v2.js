'use strict';
const { mqtt, iot, auth, io } = require('aws-iot-device-sdk-v2');
const { settings, finish } = require('./report');

function configuration() {
    let builder;
    if (settings.mode === 'websocket') {
        builder = iot.AwsIotMqttConnectionConfigBuilder.new_with_websockets({
            region: settings.region,
            credentials_provider: auth.AwsCredentialsProvider.newStatic(settings.accessKeyId, settings.secretAccessKey, settings.sessionToken),
        });
    } else {
        builder = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(settings.cert, settings.key);
    }
    builder.with_certificate_authority_from_path(undefined, settings.ca);
    builder.with_client_id(settings.clientId);
    builder.with_endpoint(settings.host);
    builder.with_port(settings.port);
    builder.with_clean_session(true);
    return builder.build();
}

async function main() {
    const connection = new mqtt.MqttClient(new io.ClientBootstrap()).new_connection(configuration());
    connection.on('error', () => {});
    await connection.connect();
    await connection.subscribe(settings.topic, mqtt.QoS.AtLeastOnce, (topic, payload) => {
        finish({ topic, payload: Buffer.from(payload).toString(), size: payload.byteLength });
    });
    await connection.publish(settings.topic, 'x'.repeat(settings.payloadBytes || 5), mqtt.QoS.AtLeastOnce);
}

main().catch((error) => finish({ error: String(error.message || error) }));
