// Fogbank's bootstrap for Node.js functions: loads the handler and serves the Lambda Runtime API with it.
//
// Beyond what AWS documents of its own runtime, two things happen here, so that code runs as it is: version 2 of the AWS SDK, which knows no
// AWS_ENDPOINT_URL, is pointed at the server when it is loaded; and ES modules find packages in the folders of NODE_PATH, as CommonJS does.
'use strict';
const http = require('node:http');
const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');
const Module = require('node:module');
const { pathToFileURL } = require('node:url');

const [apiHost, apiPort] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const root = process.env.LAMBDA_TASK_ROOT;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let requestId;

// ---- the Runtime API

function call(method, rest, body, headers = {}) {
  return new Promise((resolve, reject) => {
    if (body !== undefined) headers = { ...headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const request = http.request({ host: apiHost, port: apiPort, agent, method, path: '/2018-06-01/runtime/' + rest, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function named(type, message) {
  const error = new Error(message);
  error.name = type;
  return error;
}

function errorObject(error) {
  if (util.types.isNativeError(error) || (error && error.name && error.message !== undefined && error.stack !== undefined)) {
    return { errorType: String(error.name), errorMessage: String(error.message), trace: String(error.stack || '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: util.format(error), trace: [] };
}

// ---- the log: one line per call, as AWS's runtime writes it

function write(level, text) {
  const line = [new Date().toISOString(), requestId === undefined ? 'undefined' : requestId, level, text].join('\t').replace(/\n/g, '\r');
  fs.writeSync(1, line + '\n');
}
for (const [name, level] of [['log', 'INFO'], ['info', 'INFO'], ['debug', 'DEBUG'], ['trace', 'TRACE'], ['warn', 'WARN'], ['error', 'ERROR']]) {
  console[name] = (...values) => write(level, util.format(...values));
}
function logError(what, error) {
  const object = errorObject(error);
  const shown = { errorType: object.errorType, errorMessage: object.errorMessage };
  for (const key of ['code', 'statusCode', 'requestId']) if (error && error[key] !== undefined) shown[key] = error[key];
  write('ERROR', what + ' \t' + JSON.stringify({ ...shown, stack: object.trace }));
}

// ---- SDKs

function redirectSdk2(exported) {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (!endpoint || !exported || typeof exported.Service !== 'function' || !exported.config || typeof exported.config.update !== 'function') return;
  if (exported.config.endpoint === undefined) exported.config.update({ endpoint, s3ForcePathStyle: true });
}
const load = Module._load;
Module._load = function (request, ...rest) {
  const exported = load.call(this, request, ...rest);
  if (typeof request === 'string' && request.includes('aws-sdk') && !request.includes('@aws-sdk')) redirectSdk2(exported);
  return exported;
};
if (process.env.NODE_PATH && typeof Module.register === 'function') {
  const parents = process.env.NODE_PATH.split(path.delimiter).filter(Boolean).map((folder) => pathToFileURL(path.join(folder, '..', 'x.js')).href);
  const hooks = `const parents = ${JSON.stringify(parents)};
    export async function resolve(name, context, next) {
      try { return await next(name, context); } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^([./]|[a-z]+:)/i.test(name)) throw error;
        for (const parentURL of parents) { try { return await next(name, { ...context, parentURL }); } catch { continue; } }
        throw error;
      }
    }`;
  Module.register('data:text/javascript,' + encodeURIComponent(hooks));
}

// ---- the handler

async function importOrRequire(file) {
  try {
    return require(file);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM' && !(error instanceof SyntaxError && /import statement|export/.test(error.message))) throw error;
    return import(pathToFileURL(file).href);
  }
}

async function loadModule(name) {
  const base = path.resolve(root, name);
  for (const file of [base + '.mjs', base + '.js', base + '.cjs', path.join(base, 'index.js'), path.join(base, 'index.mjs')]) {
    if (!fs.existsSync(file)) continue;
    return file.endsWith('.mjs') ? import(pathToFileURL(file).href) : importOrRequire(file);
  }
  return require(require.resolve(name, { paths: [root] }));
}

async function loadHandler(text) {
  const folder = path.dirname(text);
  const found = /^([^.]*)\.(.*)$/.exec(path.basename(text));
  if (!found) throw named('Runtime.MalformedHandlerName', 'Bad handler');
  let module;
  try {
    module = await loadModule(path.join(folder, found[1]));
  } catch (error) {
    if (error instanceof SyntaxError) throw named('Runtime.UserCodeSyntaxError', String(error.stack || error));
    if (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND') throw named('Runtime.ImportModuleError', String(error));
    throw error;
  }
  const member = (from) => found[2].split('.').reduce((value, key) => (value === undefined || value === null ? undefined : value[key]), from);
  const handler = member(module) || (module && module.default ? member(module.default) : undefined);
  if (handler === undefined) throw named('Runtime.HandlerNotFound', `${text} is undefined or not exported`);
  if (typeof handler !== 'function') throw named('Runtime.HandlerNotFound', `${text} is not a function`);
  return handler;
}

// ---- invocations

function parsed(text) {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function makeContext(headers, finish) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    clientContext: parsed(headers['lambda-runtime-client-context']),
    identity: parsed(headers['lambda-runtime-cognito-identity']),
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: (error, result) => finish(error, result, true),
    succeed: (result) => finish(null, result, true),
    fail: (error) => finish(error === undefined || error === null ? 'handled' : error, undefined, true),
  };
  return context;
}

/// Settles with [error, result]. A callback waits for an empty event loop unless the function says otherwise; a promise does not.
function invoke(handler, event, headers) {
  return new Promise((resolve) => {
    let answer = null;
    let settled = false;
    const settle = () => {
      if (settled) return;
      settled = true;
      process.removeListener('beforeExit', settle);
      resolve(answer === null ? [null, null] : answer);
    };
    const finish = (error, result, now) => {
      if (answer === null) answer = [error === undefined ? null : error, result];
      if (now || !context.callbackWaitsForEmptyEventLoop) setImmediate(settle);
    };
    const context = makeContext(headers, finish);
    process.on('beforeExit', settle);
    try {
      const returned = handler(event, context, (error, result) => finish(error, result, false));
      if (returned && typeof returned.then === 'function') {
        returned.then((result) => finish(null, result, true), (error) => finish(error === undefined || error === null ? 'unhandled' : error, undefined, true));
      }
    } catch (error) {
      finish(error === undefined || error === null ? 'unhandled' : error, undefined, true);
    }
  });
}

function marshalled(result) {
  try {
    const text = JSON.stringify(result === undefined ? null : result);
    return text === undefined ? 'null' : text;
  } catch (error) {
    throw named('Runtime.MarshalError', 'Unable to stringify response body: ' + error.message);
  }
}

async function fail(error) {
  const object = errorObject(error);
  await call('POST', `invocation/${requestId}/error`, JSON.stringify(object), { 'Lambda-Runtime-Function-Error-Type': object.errorType.replace(/[^\x20-\x7e]/g, '?') });
}

async function loop(handler) {
  for (;;) {
    const next = await call('GET', 'invocation/next');
    if (next.status !== 200) process.exit(1);
    requestId = next.headers['lambda-runtime-aws-request-id'];
    if (next.headers['lambda-runtime-trace-id']) process.env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'];
    try {
      const [error, result] = await invoke(handler, JSON.parse(next.body), next.headers);
      if (error !== null) throw error;
      await call('POST', `invocation/${requestId}/response`, marshalled(result));
    } catch (error) {
      logError('Invoke Error', error);
      await fail(error);
    }
  }
}

/// What nobody caught ends the process, after the invocation was told.
function lastWords(type) {
  return (error) => {
    const object = type === undefined ? errorObject(error) : { ...errorObject(error), errorType: type };
    logError(type === undefined ? 'Uncaught Exception' : 'Unhandled Promise Rejection', error);
    const done = () => process.exit(128);
    const target = requestId === undefined ? 'init/error' : `invocation/${requestId}/error`;
    call('POST', target, JSON.stringify(object), { 'Lambda-Runtime-Function-Error-Type': object.errorType }).then(done, done);
  };
}
process.on('uncaughtException', lastWords());
process.on('unhandledRejection', lastWords('Runtime.UnhandledPromiseRejection'));

(async () => {
  let handler;
  try {
    handler = await loadHandler(process.env._HANDLER);
  } catch (error) {
    logError('Uncaught Exception', error);
    await call('POST', 'init/error', JSON.stringify(errorObject(error)), { 'Lambda-Runtime-Function-Error-Type': String(error && error.name) });
    process.exit(1);
  }
  await loop(handler);
})().catch((error) => {
  fs.writeSync(2, String(error && error.stack) + '\n');
  process.exit(1);
});
