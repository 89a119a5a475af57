"""A Fogbank server for tests: started on free ports with a data folder of its own, stopped with SIGTERM or killed."""

import json
import os
import pathlib
import signal
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("FOGBANK_BINARY", REPOSITORY / "build" / "fogbank"))
EXAMPLES = BINARY.parent / "examples"
START_DEADLINE_S = 30


def clean_environment(**more):
    """The environment without settings of this product or of AWS that happen to be set on the machine."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FOGBANK_", "AWS_")) and "proxy" not in k.lower()}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **more}


class FogbankServer:
    """One server process on `data`. Restarting it keeps the ports it had."""

    def __init__(self, data, *options):
        self.data = pathlib.Path(data)
        self.options = list(options)
        self.process = None
        self.endpoints = None
        self.log_path = self.data.parent / (self.data.name + ".log")

    def start(self):
        ports = {"mqtts": 0, "alpn": 0, "https": 0, "api": 0}
        if self.endpoints:
            ports = {name: self.endpoints[f"{name}_port"] for name in ports}
        command = [str(BINARY), "serve", "--data", str(self.data), "--bind", "127.0.0.1"]
        for name, port in ports.items():
            command += [f"--{name}-port", str(port)]
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command + self.options, stdout=log, stderr=log, env=clean_environment())
        log.close()
        self.endpoints = self._wait_until_ready()
        return self

    def _wait_until_ready(self):
        path = self.data / "endpoints.json"
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            try:
                endpoints = json.loads(path.read_text())
                if endpoints["pid"] == self.process.pid:
                    return endpoints
            except (FileNotFoundError, ValueError):
                pass
            time.sleep(0.01)
        raise RuntimeError(f"the server was not ready after {START_DEADLINE_S} s:\n{self.log()}")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self):
        """kill -9: nothing is flushed, nothing is said goodbye to."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, deadline_s=10):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=deadline_s)

    def alive(self):
        return self.process.poll() is None

    # Clients

    def credentials(self):
        return {"aws_access_key_id": self.endpoints["access_key_id"], "aws_secret_access_key": self.endpoints["secret_access_key"]}

    def boto3(self, service, tls=False, **more):
        import boto3

        keys = {**self.credentials(), "region_name": self.endpoints["region"], **more}
        if tls:
            return boto3.client(service, endpoint_url=self.endpoints["api_tls_url"], verify=self.endpoints["ca_file"], **keys)
        return boto3.client(service, endpoint_url=self.endpoints["api_url"], **keys)

    def aws(self, *arguments, check=True, stdin=None):
        """Runs the AWS CLI; returns the parsed JSON of its standard output (None if it printed nothing)."""
        environment = clean_environment(
            AWS_ACCESS_KEY_ID=self.endpoints["access_key_id"],
            AWS_SECRET_ACCESS_KEY=self.endpoints["secret_access_key"],
            AWS_DEFAULT_REGION=self.endpoints["region"],
            AWS_PAGER="",
        )
        done = subprocess.run(
            ["/usr/bin/aws", "--endpoint-url", self.endpoints["api_url"], "--output", "json", *arguments],
            env=environment, input=stdin, capture_output=True, text=True, timeout=120,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"aws {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        if not check:
            return done
        return json.loads(done.stdout) if done.stdout.strip() else None

    def provision(self, name, out):
        """`fogbank provision` against this server; returns its text."""
        done = subprocess.run(
            [str(BINARY), "provision", name, "--out", str(out), "--data", str(self.data), "--host", "localhost"],
            env=clean_environment(), capture_output=True, text=True, timeout=60,
        )
        if done.returncode != 0:
            raise AssertionError(f"provision ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def mqtt_client(self, folder, name, client_id=None, clean_session=True):
        """A paho client with the certificate that `provision` left in `folder`, not yet connected."""
        import paho.mqtt.client as mqtt

        folder = pathlib.Path(folder)
        client = mqtt.Client(client_id=client_id or name, clean_session=clean_session, protocol=mqtt.MQTTv311)
        client.tls_set(
            ca_certs=str(folder / "RootCA.pem"), certfile=str(folder / f"{name}-certificate.pem.crt"), keyfile=str(folder / f"{name}-private.pem.key")
        )
        return client
