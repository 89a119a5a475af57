'use strict';
const fs = require('fs');
const mqtt = require('mqtt');
const presign = require('./presign');
const { settings, finish } = require('./report');

const ca = fs.readFileSync(settings.ca);
const common = { clientId: settings.clientId, protocolVersion: settings.protocolVersion || 4, reconnectPeriod: 0, ca };
const client = settings.mode === 'wss'
    ? mqtt.connect(presign(settings), { ...common, wsOptions: { ca } })
    : mqtt.connect(`mqtts://${settings.host}:${settings.port}`, { ...common, cert: fs.readFileSync(settings.cert), key: fs.readFileSync(settings.key) });

client.on('error', (error) => finish({ error: error.message }));
client.on('close', () => setTimeout(() => finish({ error: 'closed' }), 500));
client.on('message', (topic, payload) => finish({ topic, payload: payload.toString(), size: payload.length }));
client.on('connect', async () => {
    await client.subscribeAsync(settings.topic, { qos: 1 });
    await client.publishAsync(settings.topic, 'x'.repeat(settings.payloadBytes || 5), { qos: 1 });
});
