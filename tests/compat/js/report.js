'use strict';
// What the scripts here share: their settings come as one JSON argument, their result leaves as one line of JSON. Each of them connects,
// subscribes, publishes to itself and waits for the message. A close is reported late: the error that caused it says more.
const settings = JSON.parse(process.argv[2]);

let finished = false;

/// The first result counts.
function finish(result) {
    if (finished) return;
    finished = true;
    process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0));
}

setTimeout(() => finish({ error: 'nothing happened in time' }), (settings.timeoutSeconds || 20) * 1000).unref();
process.on('unhandledRejection', (reason) => finish({ error: String(reason && reason.message ? reason.message : reason) }));

module.exports = { settings, finish };
