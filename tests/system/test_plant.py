"""From a gateway's packet to a table row: the scenario of `./dev demo`, checked."""

import collections

from tests.support.fogbank_server import EXAMPLES
from tests.system import plant


def test_every_sample_of_a_recorded_shift_becomes_one_row(new_server, tmp_path):
    recording = plant.load_recording()
    assert sum(1 for e in recording if e["do"] == "publish") >= 1000, "the recording must stay a real one"
    expected = plant.expected_rows(recording)
    server = new_server().start()
    for name in ("secomea", "inhand"):
        server.provision(name, tmp_path / name)
    plant.set_up(server, EXAMPLES)
    plant.replay(recording, {name: plant.Gateway(server, tmp_path / name, name) for name in ("secomea", "inhand")})
    items = plant.wait_for_rows(server, expected)
    for table, rows in expected.items():
        found = collections.Counter(plant.identity(table, item) for item in items[table])
        assert set(found) == rows, f"{table}: {len(rows - set(found))} missing, {len(set(found) - rows)} too many"
        assert max(found.values()) == 1, f"{table}: a sample has several rows"
    assert plant.content_errors(recording, items) == []
    assert server.stop() == 0
