"""`fogbank lambda`: from an empty folder to a running function; and the installed SDK."""
import json
import pathlib
import shutil
import subprocess

import pytest

from tests.support.fogbank_server import BINARY, FogbankServer, clean_environment

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = FogbankServer(tmp_path_factory.mktemp("lambda") / "data").start()
    yield running
    running.stop()


def fogbank(*arguments):
    return subprocess.run([str(BINARY), "lambda", *map(str, arguments)], env=clean_environment(), capture_output=True, text=True, timeout=120)


def test_from_a_template_to_a_result(server, tmp_path):
    assert fogbank("new", tmp_path / "f").returncode == 0
    built = fogbank("build", tmp_path / "f" / "handler.cpp")
    assert built.returncode == 0, built.stderr
    made = fogbank("deploy", "fromtemplate", tmp_path / "f" / "handler.so", "--data", server.data, "--env", "AB=1")
    assert made.returncode == 0 and made.stdout.startswith("created arn:aws:lambda:"), made.stderr
    done = fogbank("invoke", "fromtemplate", '{"pressure": 4.20}', "--data", server.data)
    assert json.loads(done.stdout)["ok"] is True, done.stderr
    again = fogbank("deploy", "fromtemplate", tmp_path / "f" / "handler.so", "--data", server.data)
    assert again.stdout.startswith("updated "), again.stderr


def test_a_linked_object_is_replaced_on_the_disk(server, tmp_path):
    source = tmp_path / "h.c"
    for word in ("first", "second"):
        source.write_text(f"""#include <fogbank/lambda.h>
static int handle(const fogbank_host* host, fogbank_bytes event, fogbank_sink result) {{
    (void)host; (void)event;
    static const char text[] = "\\"{word}\\"";
    fogbank_bytes bytes = {{text, sizeof text - 1}};
    result.set(result.owner, bytes);
    return 0;
}}
FOGBANK_LAMBDA_ENTRY(handle);
""")
        built = fogbank("build", source)
        assert built.returncode == 0, built.stderr
        if word == "first":
            assert fogbank("deploy", "linked", tmp_path / "h.so", "--link", "--data", server.data).returncode == 0
        assert json.loads(fogbank("invoke", "linked", "--data", server.data).stdout) == word


def test_errors_say_what_is_wrong(server, tmp_path):
    (tmp_path / "bad.cpp").write_text("int main(")
    assert fogbank("build", tmp_path / "bad.cpp").returncode == 1
    (tmp_path / "x.so").write_text("no object")
    refused = fogbank("deploy", "bad", tmp_path / "x.so", "--data", server.data)
    assert refused.returncode == 1 and "not an ELF shared object" in refused.stderr
    nowhere = fogbank("invoke", "f", "--data", tmp_path / "nothing")
    assert nowhere.returncode == 1 and "fogbank serve" in nowhere.stderr


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_the_installed_sdk_builds_the_template(tmp_path):
    subprocess.run(["cmake", "--install", BINARY.parent, "--prefix", tmp_path / "usr", "--component", "lambda-sdk"], check=True, capture_output=True)
    shutil.copytree(tmp_path / "usr" / "share" / "fogbank" / "template", tmp_path / "f")
    subprocess.run(["cmake", "-S", tmp_path / "f", "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={tmp_path}/usr"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path / "b"], check=True, capture_output=True)
    assert (tmp_path / "b" / "handler.so").exists()
    flags = subprocess.run(["pkg-config", "--cflags", "fogbank-lambda"], env={"PATH": "/usr/bin", "PKG_CONFIG_PATH": str(tmp_path / "usr/lib/pkgconfig")},
                           check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["c++", "-std=c++17", "-fsyntax-only", *flags, tmp_path / "f" / "handler.cpp"], check=True)
