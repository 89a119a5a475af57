'use strict';
const awsIot = require('aws-iot-device-sdk');
const { settings, finish } = require('./report');

const common = { clientId: settings.clientId, host: settings.host, port: settings.port, region: settings.region, caPath: settings.ca, maximumReconnectTimeMs: 1000 };
const device = settings.mode === 'wss'
    ? awsIot.device({ ...common, protocol: 'wss', accessKeyId: settings.accessKeyId, secretKey: settings.secretAccessKey, sessionToken: settings.sessionToken })
    : awsIot.device({ ...common, certPath: settings.cert, keyPath: settings.key });

device.on('error', (error) => finish({ error: error.message }));
device.on('close', () => setTimeout(() => finish({ error: 'closed' }), 500));
device.on('message', (topic, payload) => finish({ topic, payload: payload.toString(), size: payload.length }));
device.on('connect', () => device.subscribe(settings.topic, { qos: 1 }, () => device.publish(settings.topic, 'x'.repeat(settings.payloadBytes || 5), { qos: 1 })));
