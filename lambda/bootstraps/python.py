"""Fogbank's bootstrap for Python functions: loads the handler and serves the Lambda Runtime API with it.

Beyond what AWS documents of its own runtime, versions of botocore that do not know AWS_ENDPOINT_URL are pointed at the server, so that code runs
as it is.
"""
import http.client
import importlib
import importlib.abc
import importlib.util
import json
import logging
import os
import sys
import time
import traceback

BASE = "/2018-06-01/runtime/"


class RuntimeApi:
    def __init__(self):
        self.connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(self, method, rest, body=None, headers=None):
        self.connection.request(method, BASE + rest, body, {"Content-Type": "application/json", **(headers or {})})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def next(self):
        status, headers, body = self.call("GET", "invocation/next")
        if status != 200:
            sys.exit(1)
        return headers, body

    def respond(self, request_id, body):
        self.call("POST", f"invocation/{request_id}/response", body)

    def fail(self, where, error):
        self.call("POST", where, json.dumps(error).encode(), {"Lambda-Runtime-Function-Error-Type": error["errorType"]})


class RuntimeFailure(Exception):
    """What the runtime itself finds wrong, under AWS's name for it."""

    def __init__(self, error_type, message):
        super().__init__(message)
        self.error_type = error_type


class CognitoIdentity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Client:
    def __init__(self, members):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, members.get(name))


class ClientContext:
    """What the caller said of itself: attributes, as AWS has them."""

    def __init__(self, members):
        self.custom = members.get("custom")
        self.env = members.get("env")
        self.client = Client(members["client"]) if isinstance(members.get("client"), dict) else None


class LambdaContext:
    def __init__(self, headers):
        environment = os.environ
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = CognitoIdentity()
        client_context = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        print(message, flush=True)


class RequestIdFilter(logging.Filter):
    request_id = ""

    def filter(self, record):
        record.aws_request_id = self.request_id
        return True


def set_up_logging():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.formatter.converter = time.gmtime
    request_filter = RequestIdFilter()
    handler.addFilter(request_filter)
    logging.getLogger().addHandler(handler)
    return request_filter


class BotocoreFinder(importlib.abc.MetaPathFinder):
    """Gives every client of botocore the server as its endpoint, unless the code names another."""

    def find_spec(self, name, path=None, target=None):
        if name != "botocore.session":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            create = module.Session.create_client

            def create_client(session, service_name, *positional, **named):
                if len(positional) < 5 and named.get("endpoint_url") is None:
                    named["endpoint_url"] = os.environ.get("AWS_ENDPOINT_URL_" + service_name.upper().replace("-", "_"), os.environ["AWS_ENDPOINT_URL"])
                return create(session, service_name, *positional, **named)

            module.Session.create_client = create_client

        spec.loader.exec_module = exec_module
        return spec


def load_handler(text):
    module_name, dot, function_name = text.rpartition(".")
    if not dot:
        raise RuntimeFailure("Runtime.MalformedHandlerName", f"Bad handler '{text}': not enough values to unpack (expected 2, got 1)")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise RuntimeFailure("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise RuntimeFailure("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
    handler = getattr(module, function_name, None)
    if handler is None:
        raise RuntimeFailure("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return handler


def error_object(error, request_id=None):
    frames = traceback.extract_tb(error.__traceback__)
    kept = [frame for frame in frames if frame.filename != __file__]
    out = {"errorMessage": str(error), "errorType": getattr(error, "error_type", type(error).__name__)}
    if request_id is not None:
        out["requestId"] = request_id
    out["stackTrace"] = traceback.format_list(kept)
    return out


def log_error(error):
    # One event of the log, so its lines are separated as AWS's runtime does it.
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}"]
    if error["stackTrace"]:
        lines.append("Traceback (most recent call last):")
        lines += "".join(error["stackTrace"]).rstrip("\n").split("\n")
    print("\r".join(line.replace("\n", "\r") for line in lines), flush=True)


def marshalled(result):
    try:
        return json.dumps(result).encode()
    except (TypeError, ValueError) as error:
        raise RuntimeFailure("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def main():
    api = RuntimeApi()
    request_filter = set_up_logging()
    if os.environ.get("AWS_ENDPOINT_URL"):
        sys.meta_path.insert(0, BotocoreFinder())
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except BaseException as error:  # a module may end in any way while it is imported
        failure = error_object(error)
        log_error(failure)
        api.fail("init/error", failure)
        sys.exit(1)
    while True:
        headers, body = api.next()
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        request_filter.request_id = request_id
        if headers.get("Lambda-Runtime-Trace-Id"):
            os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
        try:
            answer = marshalled(handler(json.loads(body), LambdaContext(headers)))
        except Exception as error:
            failure = error_object(error, request_id)
            log_error(failure)
            sys.stderr.flush()
            api.fail(f"invocation/{request_id}/error", failure)
        else:
            sys.stdout.flush()
            sys.stderr.flush()
            api.respond(request_id, answer)


main()
