"""Topic rules beyond AWS's API: the server's own endpoints below /_fogbank, signed like any request."""
import json
import subprocess

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import urllib3

from tests.support.fogbank_server import BINARY


def signed(server, method, path, body=None, secret=None):
    request = botocore.awsrequest.AWSRequest(method=method, url=server.api_url + path, data=body)
    credentials = botocore.credentials.Credentials(server.access_key_id, secret or server.secret_access_key)
    botocore.auth.SigV4Auth(credentials, "iot", server.region).add_auth(request)
    prepared = request.prepare()
    return urllib3.PoolManager(retries=False, timeout=30).request(method, prepared.url, body=prepared.body, headers=dict(prepared.headers))


CASE = {"id": "a", "sql": "SELECT temperature AS t FROM 'd/+' WHERE temperature > 50", "topic": "d/1", "payload": {"temperature": 51}}


def test_statement_over_http(server):
    answer = signed(server, "POST", "/_fogbank/rules/test", json.dumps(CASE))
    assert (answer.status, json.loads(answer.data)) == (200, {"id": "a", "output": {"t": 51}})
    explained = json.loads(signed(server, "POST", "/_fogbank/rules/test?explain=true", json.dumps(CASE)).data)
    assert {"clause": "WHERE", "position": 41, "expression": "temperature > 50", "depth": 0, "value": True} in explained["explain"]


def test_statement_over_http_needs_credentials(server):
    assert signed(server, "POST", "/_fogbank/rules/test", json.dumps(CASE), secret="wrong").status == 403
    assert urllib3.PoolManager(retries=False).request("POST", server.api_url + "/_fogbank/rules/test", body=json.dumps(CASE)).status == 403
    assert urllib3.PoolManager(retries=False).request("GET", server.api_url + "/_fogbank/rules").status == 403


def test_counters(server, iot, iot_data, name):
    iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": f"SELECT * FROM '{name}/#' WHERE a > 1", "actions": [], "awsIotSqlVersion": "2016-03-23"})
    for value in (1, 2, 3):
        iot_data.publish(topic=f"{name}/x", qos=1, payload=json.dumps({"a": value}))
    rule = json.loads(signed(server, "GET", f"/_fogbank/rules/{name}").data)
    assert (rule["matched"], rule["filtered"], rule["succeeded"], rule["failed"]) == (3, 1, 2, 0)
    assert rule in json.loads(signed(server, "GET", "/_fogbank/rules").data)["rules"]
    assert signed(server, "GET", "/_fogbank/rules/nope").status == 401
    iot.delete_topic_rule(ruleName=name)


def test_command_runs_a_file_of_cases(tmp_path):
    cases = [CASE, {**CASE, "id": 2, "payload": {"temperature": 5}}, {"id": 3, "sql": "SELECT FROM"}, {"id": 4, "kind": "template", "template": "${1 + 1}"}]
    lines = "\n".join(json.dumps(case) for case in cases) + "\n\n"
    (tmp_path / "cases.jsonl").write_text(lines)
    expected = [{"id": "a", "output": {"t": 51}}, {"id": 2, "none": "WHERE is not true"},
                {"id": 3, "invalid": {"position": 7, "reason": "an expression is expected, found `FROM`"}}, {"id": 4, "text": "2"}]
    for arguments, stdin in ((["cases.jsonl"], None), (["-"], lines)):
        done = subprocess.run([BINARY, "rule", "test", *arguments], cwd=tmp_path, input=stdin, capture_output=True, text=True, timeout=30)
        assert (done.returncode, [json.loads(line) for line in done.stdout.splitlines()]) == (0, expected), done.stderr
    bad = subprocess.run([BINARY, "rule", "test", "-"], input="no json\n", capture_output=True, text=True, timeout=30)
    assert bad.returncode == 1 and json.loads(bad.stdout)["invalid"]["position"] == 0


def test_command_explains_one_statement():
    done = subprocess.run([BINARY, "rule", "test", "--sql", "SELECT a FROM 't' WHERE missing <> 5", "--topic", "t", "--payload", '{"a":1}'],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert done.stdout == "WHERE\n  missing <> 5  →  Undefined\n    missing  →  Undefined\n    5  →  5\nnone: WHERE is not true\n"
