"""`./dev demo`: the main job on recorded input, shown step by step. Ends with 1 if a single sample is missing."""

import collections
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.support.fogbank_server import EXAMPLES, FogbankServer  # noqa: E402
from tests.system import plant  # noqa: E402


def say(text):
    print(text, flush=True)


def main():
    recording = plant.load_recording()
    expected = plant.expected_rows(recording)
    with tempfile.TemporaryDirectory(prefix="fogbank-demo-") as folder:
        folder = pathlib.Path(folder)
        server = FogbankServer(folder / "data").start()
        try:
            say(f"server: {server.endpoints['api_url']} (AWS APIs), localhost:{server.endpoints['mqtts_port']} (MQTT with client certificates)")
            for name in ("secomea", "inhand"):
                server.provision(name, folder / name)
                say(f"provisioned gateway `{name}`: thing, certificate and policy")
            plant.set_up(server, EXAMPLES)
            for name, (sql, action, target) in plant.RULES.items():
                say(f"rule {name}: {sql}  ->  {action} {target}")
            gateways = {name: plant.Gateway(server, folder / name, name) for name in ("secomea", "inhand")}
            began = time.monotonic()
            sent = plant.replay(recording, gateways, lambda text: say("  " + text))
            say(f"replayed {sum(sent.values())} messages in {time.monotonic() - began:.1f} s, every one acknowledged")
            items = plant.wait_for_rows(server, expected)
            wrong = plant.content_errors(recording, items)
            say("\nread back with the AWS CLI (aws dynamodb scan):")
            missing = 0
            for table, rows in expected.items():
                found = collections.Counter(plant.identity(table, item) for item in items[table])
                arrived = sum(1 for row in rows if row in found)
                extra = sum(found.values()) - arrived
                missing += len(rows) - arrived + extra
                say(f"  {table:14} {arrived:5} of {len(rows):5} samples arrived" + (f", {extra} rows that nobody sent" if extra else ""))
            for complaint in wrong[:5]:
                say("  " + complaint)
            example = items["Secomea"][0] if items["Secomea"] else {}
            say(f"  a row of Secomea: {example}")
            ok = missing == 0 and not wrong
            say("\nnothing is missing" if ok else f"\nMISSING OR WRONG: {missing + len(wrong)}")
            return 0 if ok else 1
        finally:
            code = server.stop()
            say(f"server stopped with exit code {code}")


if __name__ == "__main__":
    sys.exit(main())
