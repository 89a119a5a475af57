"""Starting, configuring and stopping the program."""

import json
import os
import pathlib
import re
import stat
import subprocess

import pytest

from tests.support.fogbank_server import BINARY, clean_environment

KEYS = {
    "pid", "bind", "mqtts_port", "alpn_port", "https_port", "api_port", "api_url", "api_tls_url", "ca_file", "account_id", "region",
    "endpoint_name", "access_key_id", "secret_access_key",
}


def run(*arguments, **environment):
    return subprocess.run([str(BINARY), *arguments], env=clean_environment(**environment), capture_output=True, text=True, timeout=60)


def names_of(certificate):
    text = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName"], capture_output=True, text=True, check=True)
    return text.stdout


def served_certificate(server):
    address = f"127.0.0.1:{server.endpoints['mqtts_port']}"
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", address, "-CAfile", server.endpoints["ca_file"], "-verify_return_error", "-showcerts"],
        input="", capture_output=True, text=True, timeout=30,
    )
    assert "Verify return code: 0" in shown.stdout, shown.stdout[-2000:] + shown.stderr
    return re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", shown.stdout, re.S).group(0)


def test_endpoints_file_has_every_key_and_is_private(new_server):
    server = new_server().start()
    assert KEYS <= set(server.endpoints)
    assert server.endpoints["account_id"] == "000000000000"
    assert server.endpoints["region"] == "us-east-1"
    mode = stat.S_IMODE(os.stat(server.data / "endpoints.json").st_mode)
    assert mode == 0o600
    assert server.stop() == 0
    assert not (server.data / "endpoints.json").exists(), "endpoints.json of a stopped server misleads scripts"


def test_a_second_start_changes_neither_ca_nor_certificate_nor_key(new_server):
    server = new_server().start()
    ca, certificate, key = pathlib.Path(server.endpoints["ca_file"]).read_bytes(), served_certificate(server), server.endpoints["secret_access_key"]
    assert server.stop() == 0
    server.start()
    assert pathlib.Path(server.endpoints["ca_file"]).read_bytes() == ca
    assert served_certificate(server) == certificate
    assert server.endpoints["secret_access_key"] == key
    assert server.stop() == 0


def test_root_is_rsa_2048_with_sha_256(new_server):
    server = new_server().start()
    text = subprocess.run(["openssl", "x509", "-in", server.endpoints["ca_file"], "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    assert "Public-Key: (2048 bit)" in text
    assert "sha256WithRSAEncryption" in text
    assert "CA:TRUE" in text


def test_a_new_name_reissues_the_server_certificate_under_the_same_root(new_server, tmp_path):
    server = new_server().start()
    ca, before = pathlib.Path(server.endpoints["ca_file"]).read_bytes(), served_certificate(server)
    assert server.stop() == 0
    server.options = ["--endpoint-name", "broker.plant.example", "--endpoint-name", "10.9.8.7"]
    server.start()
    after = served_certificate(server)
    assert pathlib.Path(server.endpoints["ca_file"]).read_bytes() == ca
    assert after != before
    assert server.endpoints["endpoint_name"] == "broker.plant.example"
    (tmp_path / "after.pem").write_text(after)
    names = names_of(tmp_path / "after.pem")
    for name in ("broker.plant.example", "10.9.8.7", "localhost", "127.0.0.1", "*.iot.us-east-1.amazonaws.com"):
        assert name in names
    assert server.stop() == 0


def test_settings_come_from_file_then_environment_then_command_line(new_server, tmp_path):
    config = tmp_path / "fogbank.toml"
    config.write_text('region = "eu-west-3"\naccount = "111122223333"\nendpoint_name = ["a.example", "b.example"]\n')
    server = new_server("data", "--config", str(config), "--account", "444455556666").start()
    assert server.endpoints["region"] == "eu-west-3"
    assert server.endpoints["account_id"] == "444455556666"
    assert server.endpoints["endpoint_name"] == "a.example"
    assert server.stop() == 0


@pytest.mark.parametrize(
    "arguments, environment, text",
    [
        (["--no-such-option", "1"], {}, "no-such-option"),
        (["--api-port", "70000"], {}, "70000"),
        (["--account", "12"], {}, "12 digits"),
        (["--quota-profile", "lax"], {}, "lax"),
        ([], {"FOGBANK_MQTS_PORT": "1"}, "FOGBANK_MQTS_PORT"),
        ([], {"FOGBANK_API_PORT": "x"}, "FOGBANK_API_PORT"),
        (["--config", "/nonexistent/fogbank.toml"], {}, "/nonexistent/fogbank.toml"),
    ],
)
def test_bad_configuration_is_refused_with_a_reason(tmp_path, arguments, environment, text):
    done = run("serve", "--data", str(tmp_path / "data"), *arguments, **environment)
    assert done.returncode == 2
    assert text in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content, text", [("regio = 'x'\n", "regio"), ("region = [\n", "fogbank.toml:"), ("region = 1.5\n", "region")])
def test_a_bad_file_is_refused_with_file_and_line(tmp_path, content, text):
    config = tmp_path / "fogbank.toml"
    config.write_text(content)
    done = run("serve", "--data", str(tmp_path / "data"), "--config", str(config))
    assert done.returncode == 2
    assert text in done.stderr and str(config) in done.stderr


def test_a_data_folder_in_use_is_refused(new_server):
    server = new_server().start()
    second = run("serve", "--data", str(server.data), "--mqtts-port", "0", "--alpn-port", "0", "--https-port", "0", "--api-port", "0")
    assert second.returncode == 3
    assert "in use" in second.stderr
    assert server.alive()


def test_a_taken_port_is_named(new_server, tmp_path):
    server = new_server().start()
    taken = str(server.endpoints["mqtts_port"])
    second = run("serve", "--data", str(tmp_path / "other"), "--bind", "127.0.0.1", "--mqtts-port", taken, "--alpn-port", "0", "--https-port", "0", "--api-port", "0")
    assert second.returncode == 3
    assert taken in second.stderr


def test_help_names_every_setting_with_its_default():
    done = run("serve", "--help")
    assert done.returncode == 0
    for flag in ("--data", "--bind", "--mqtts-port", "--alpn-port", "--https-port", "--api-port", "--mqtt-port", "--account", "--region",
                 "--endpoint-name", "--quota-profile"):
        assert flag in done.stdout
    assert "8883" in done.stdout and "default" in done.stdout


def test_a_damaged_database_is_refused_and_left_alone(new_server):
    server = new_server().start()
    assert server.stop() == 0
    database = server.data / "fogbank.db"
    for suffix in ("-wal", "-shm"):
        pathlib.Path(str(database) + suffix).unlink(missing_ok=True)
    garbage = b"this is not a database, and it is long enough to be looked at" * 100
    database.write_bytes(garbage)
    done = run("serve", "--data", str(server.data), "--mqtts-port", "0", "--alpn-port", "0", "--https-port", "0", "--api-port", "0")
    assert done.returncode == 3
    assert "fogbank.db" in done.stderr
    assert database.read_bytes() == garbage


def test_provision_works_without_a_running_server_and_its_files_connect(new_server, tmp_path):
    server = new_server()
    out = tmp_path / "gw"
    done = run("provision", "press-line", "--out", str(out), "--data", str(server.data), "--host", "localhost", "--mqtts-port", "18883")
    assert done.returncode == 0, done.stderr
    entry = json.loads((out / "secomea-dataservers.json").read_text())["DataServers"][0]
    assert entry["DatasrvProtocol"] == "AWS/MQTT"
    assert entry["MQTTAWSParams"]["BrokerAddr"] == "localhost" and entry["MQTTAWSParams"]["BrokerPort"] == 18883
    for name in (entry["MQTTAWSParams"][key] for key in ("RootCA", "DeviceCert", "DevicePrivKey")):
        assert (out / name).exists()
    assert "press-line" in (out / "inhand-cloud.txt").read_text()
    assert stat.S_IMODE(os.stat(out / "press-line-private.pem.key").st_mode) == 0o600
    again = run("provision", "press-line", "--out", str(out), "--data", str(server.data), "--host", "localhost")
    assert again.returncode == 1 and "never overwritten" in again.stderr

    server.start()
    sent = subprocess.run(
        ["mosquitto_pub", "-h", "localhost", "-p", str(server.endpoints["mqtts_port"]), "--cafile", str(out / "RootCA.pem"),
         "--cert", str(out / "press-line-certificate.pem.crt"), "--key", str(out / "press-line-private.pem.key"), "-i", "press-line",
         "-q", "1", "-t", "awsiot/test", "-m", "{}"], capture_output=True, text=True, timeout=30,
    )
    assert sent.returncode == 0, sent.stderr + server.log()
    described = server.boto3("iot").describe_thing(thingName="press-line")
    assert described["thingName"] == "press-line"


@pytest.mark.parametrize("port", ["mqtts_port", "alpn_port", "https_port"])
def test_the_security_policy_holds_on_each_port_for_devices(new_server, port):
    server = new_server("data", "--tls-security-policy", "IoTSecurityPolicy_TLS13_1_3_2022_10").start()

    def handshake(version):
        return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.endpoints[port]}", version, "-brief"], input="", capture_output=True, text=True, timeout=30).stderr

    assert "Protocol version: TLSv1.3" in handshake("-tls1_3")
    assert "Protocol version" not in handshake("-tls1_2")
