"""kill -9 at random moments under load: everything that got its PUBACK is in the tables afterwards."""

import json
import random
import threading
import time

from tests.support.fogbank_server import EXAMPLES
from tests.system import plant

ROUNDS = 6


def sample(number):
    return {"collector": f"c{number % 3}", "sample_time": f"2026-03-17T06:00:00.{number:09d}Z", "pressure": number, "temperature": number / 8}


def load_until_killed(server, gateway, first, delay_s):
    """Publishes until the server is killed after `delay_s`; returns the number of the next sample."""
    killer = threading.Timer(delay_s, server.kill)
    killer.start()
    number = first
    while killer.is_alive():
        gateway.publish(f"secomea/plant/{number % 3}", json.dumps(sample(number)), number)
        number += 1
        try:
            gateway.wait_until_acknowledged(at_most_under_way=40, deadline_s=0.5)
        except TimeoutError:
            pass
    killer.join()
    gateway.drop_uplink()
    return number


def test_every_acknowledged_sample_survives_kill_9(new_server, tmp_path):
    rng = random.Random(20260317)
    server = new_server("data", "--quota-profile", "relaxed").start()
    server.provision("secomea", tmp_path / "secomea")
    plant.set_up(server, EXAMPLES)
    gateway = plant.Gateway(server, tmp_path / "secomea", "secomea")
    number = 0
    for _ in range(ROUNDS):
        gateway.connect()
        number = load_until_killed(server, gateway, number, rng.uniform(0.2, 1.2))
        server.start()
    acknowledged = {(sample(n)["collector"], sample(n)["sample_time"]) for n in gateway.acknowledged}
    assert len(acknowledged) >= 100 * ROUNDS / 6, f"only {len(acknowledged)} acknowledged: the test did not load the server"

    deadline = time.monotonic() + 60
    missing = {}
    while time.monotonic() < deadline:
        # What was queued for the handler when the server died is run after the restart; PUBACK promised that it will be, not when.
        missing = {table: acknowledged - {plant.identity(table, item) for item in plant.rows_by_cli(server, table)} for table in ("RawSamples", "Secomea")}
        if not any(missing.values()):
            break
        time.sleep(0.5)
    assert not any(missing.values()), {table: sorted(rows)[:5] for table, rows in missing.items() if rows}
    assert server.stop() == 0
