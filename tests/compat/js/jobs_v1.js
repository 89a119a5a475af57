// The jobs client of the AWS IoT Device SDK v1, as its own example uses it: takes every job it is told of, says IN_PROGRESS, then SUCCEEDED.
// Arguments: JSON {host, port, ca, cert, key, thing, clientId, jobs: how many to do}. Prints one JSON line per job.
const awsIot = require('aws-iot-device-sdk');

const config = JSON.parse(process.argv[2]);
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const jobs = awsIot.jobs({ keyPath: config.key, certPath: config.cert, caPath: config.ca, clientId: config.clientId, host: config.host, port: config.port });
const done = new Set();

jobs.on('connect', () => {
  jobs.subscribeToJobs(config.thing, (error, job) => {
    if (error) { say({ event: 'error', error: String(error) }); process.exit(2); }
    if (done.has(job.id)) return; // notify-next and $next/get may both tell of one
    done.add(job.id);
    say({ event: 'job', id: job.id, document: job.document, status: job.status });
    job.inProgress({ step: 'begun' }, () => job.succeeded({ step: 'done' }, (failed) => {
      if (failed) { say({ event: 'error', error: String(failed) }); process.exit(3); }
      if (done.size === config.jobs) setTimeout(() => jobs.end(true, () => process.exit(0)), 300); // lets the last publish leave
    }));
  });
  jobs.startJobNotifications(config.thing, (error) => { if (error) { say({ event: 'error', error: String(error) }); process.exit(4); } });
});
jobs.on('error', (error) => { say({ event: 'error', error: String(error) }); process.exit(5); });
