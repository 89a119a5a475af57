// The thingShadow client of the AWS IoT Device SDK v1, as its own examples use it. Prints one JSON line per event.
// Arguments: JSON {host, port, ca, cert, key, thing, clientId, operations: [[method, ...arguments], ...]}; the operations run one after the other.
const awsIot = require('aws-iot-device-sdk');

const config = JSON.parse(process.argv[2]);
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');

const shadows = awsIot.thingShadow({
  keyPath: config.key, certPath: config.cert, caPath: config.ca, clientId: config.clientId, host: config.host, port: config.port,
}, { operationTimeout: 20000 });

let rest = config.operations;
function next() {
  if (rest.length === 0) {
    shadows.end(true, () => process.exit(0));
    return;
  }
  const [method, ...args] = rest[0];
  rest = rest.slice(1);
  const token = shadows[method](config.thing, ...args);
  if (token === null) {
    say({ event: 'busy', method });
    process.exit(2);
  }
}

shadows.on('connect', () => shadows.register(config.thing, { persistentSubscribe: true }, (error, failed) => {
  say({ event: 'registered', error: error ? String(error) : null, failed: failed || null });
  next();
}));
let waiting = null;
shadows.on('status', (thing, status, token, state) => {
  say({ event: 'status', thing, status, state });
  clearTimeout(waiting);
  waiting = setTimeout(next, 200); // what follows an answer (the delta) is printed before the next operation
});
shadows.on('delta', (thing, state) => say({ event: 'delta', thing, state }));
shadows.on('foreignStateChange', (thing, operation, state) => say({ event: 'foreign', thing, operation, state }));
shadows.on('timeout', (thing) => { say({ event: 'timeout', thing }); process.exit(3); });
shadows.on('error', (error) => { say({ event: 'error', error: String(error) }); process.exit(4); });
