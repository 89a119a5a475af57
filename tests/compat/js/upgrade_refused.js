'use strict';
// What the server answers to an upgrade that it refuses; MQTT.js keeps it to itself.
const fs = require('fs');
const WebSocket = require('ws');
const presign = require('./presign');
const { settings, finish } = require('./report');

const socket = new WebSocket(presign(settings), ['mqtt'], { ca: fs.readFileSync(settings.ca) });
socket.on('open', () => finish({ status: 101 }));
socket.on('unexpected-response', (_request, response) => {
    let body = '';
    response.on('data', (chunk) => { body += chunk; });
    response.on('end', () => finish({ status: response.statusCode, errorType: response.headers['x-amzn-errortype'], message: JSON.parse(body).message }));
});
