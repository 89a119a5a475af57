'use strict';
// A presigned wss URL as AWS documents it for MQTT: service iotdevicegateway, the session token appended after signing.
const crypto = require('crypto');

const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');

module.exports = function presign({ host, port, region, accessKeyId, secretAccessKey, sessionToken, signedHost }) {
    const stamp = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');
    const scope = `${stamp.slice(0, 8)}/${region}/iotdevicegateway/aws4_request`;
    const query = [
        'X-Amz-Algorithm=AWS4-HMAC-SHA256',
        `X-Amz-Credential=${encodeURIComponent(`${accessKeyId}/${scope}`)}`,
        `X-Amz-Date=${stamp}`,
        'X-Amz-Expires=300',
        'X-Amz-SignedHeaders=host',
    ].join('&');
    const canonical = ['GET', '/mqtt', query, `host:${signedHost || `${host}:${port}`}\n`, 'host', sha256('')].join('\n');
    const key = ['iotdevicegateway', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${secretAccessKey}`, stamp.slice(0, 8)), region));
    const signature = hmac(key, ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')).toString('hex');
    const token = sessionToken ? `&X-Amz-Security-Token=${encodeURIComponent(sessionToken)}` : '';
    return `wss://${host}:${port}/mqtt?${query}&X-Amz-Signature=${signature}${token}`;
};
