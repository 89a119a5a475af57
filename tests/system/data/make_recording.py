"""Makes plant_recording.jsonl: what two gateways on a plant send in about an hour, with what really happens there.

Run once; the result is shipped, so that every run replays the same samples. Three PLC collectors behind a Secomea-style gateway (one object a sample),
two machines behind an InHand-style gateway (arrays of {"Device", "timestamp", "Data"}). There are gaps (a PLC that stops answering), a lost uplink with a
reconnect after which the cached samples leave in a burst, values at the edges (negative, zero, many digits, booleans), and one restart of a gateway.
"""

import datetime
import json
import math
import pathlib
import random

START = datetime.datetime(2026, 3, 17, 6, 0, 0, tzinfo=datetime.timezone.utc)


def iso(seconds):
    return (START + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds * 1000) % 1000:03d}Z"


def secomea(out, rng):
    collectors = {"press-1": (182.0, 61.5, 10), "press-2": (179.5, 58.0, 10), "boiler": (6.2, 148.0, 15)}
    uplink_lost, uplink_back = 1500, 1920
    cached, connected = [], True
    out.append((0.0, {"gateway": "secomea", "do": "connect"}))
    for second in range(5, 3600):
        if second == uplink_lost:
            out.append((second, {"gateway": "secomea", "do": "disconnect", "why": "uplink lost"}))
            connected = False
        if second == uplink_back:
            out.append((second, {"gateway": "secomea", "do": "connect"}))
            connected = True
            out.extend((second + 0.001 * i, sample) for i, sample in enumerate(cached))
            cached = []
        for index, (name, (pressure, temperature, every)) in enumerate(collectors.items()):
            if second % every != index:
                continue
            if name == "press-2" and 2400 <= second < 2700:
                continue  # the PLC does not answer: a gap
            at = second + rng.randrange(0, 400) / 1000
            swing = math.sin(second / 180.0 + index)
            payload = {
                "collector": name,
                "sample_time": iso(at),
                "pressure": round(pressure + 4 * swing + rng.gauss(0, 0.4), 3),
                "temperature": round(temperature + 2.5 * swing + rng.gauss(0, 0.2), 2),
            }
            if second == 900 + index:
                payload["pressure"] = 0
            if second % 1200 == index:
                payload["temperature"] = -17.25
            event = {"gateway": "secomea", "do": "publish", "topic": f"secomea/plant-7/{name}", "payload": payload}
            (out if connected else cached).append((at, event) if connected else event)
    out.append((3601.0, {"gateway": "secomea", "do": "disconnect", "why": "end of the shift"}))


def inhand(out, rng):
    machines = ("S7-1200", "FX5U")
    uplink_lost, uplink_back, restart = 2000, 2300, 3000
    cached, connected = {name: [] for name in machines}, True
    out.append((1.0, {"gateway": "inhand", "do": "connect"}))
    for second in range(8, 3600, 8):
        if connected and uplink_lost <= second < uplink_back:
            out.append((second, {"gateway": "inhand", "do": "disconnect", "why": "uplink lost"}))
            connected = False
        if not connected and second >= uplink_back:
            out.append((second, {"gateway": "inhand", "do": "connect"}))
            connected = True
            burst = [sample for name in machines for sample in cached[name]]
            for i in range(0, len(burst), 20):
                out.append((second + 0.01 * (i + 1), {"gateway": "inhand", "do": "publish", "topic": "awsiot/test", "payload": burst[i : i + 20]}))
            cached = {name: [] for name in machines}
        if restart <= second < restart + 8:
            out.append((second, {"gateway": "inhand", "do": "disconnect", "why": "gateway restarted"}))
            out.append((second + 2, {"gateway": "inhand", "do": "connect"}))
        at = round(START.timestamp() + second + rng.random() / 2, 7)
        values = []
        for name in machines:
            if name == "FX5U" and 700 <= second < 1000:
                continue  # machine switched off: a gap
            count = second // 8
            data = {"Test1": count % 7 == 0, "Test2": count, "Speed": round(1450 + 30 * math.sin(second / 90) + rng.gauss(0, 3), 4)}
            if name == "FX5U":
                data["Alarm"] = "E-17" if count % 50 == 0 else ""
            values.append({"Device": name, "timestamp": at, "Data": data})
        if not connected:
            for value in values:
                cached[value["Device"]].append(value)
        elif values:
            out.append((second + 3, {"gateway": "inhand", "do": "publish", "topic": "awsiot/test", "payload": values}))
    out.append((3602.0, {"gateway": "inhand", "do": "disconnect", "why": "end of the shift"}))


def main():
    rng = random.Random(7)
    events = []
    secomea(events, rng)
    inhand(events, rng)
    events.sort(key=lambda entry: entry[0])
    path = pathlib.Path(__file__).with_name("plant_recording.jsonl")
    with path.open("w") as file:
        for at, event in events:
            file.write(json.dumps({"at": round(at, 3), **event}, separators=(",", ":")) + "\n")
    samples = [e for _, e in events if e["do"] == "publish"]
    print(len(events), "events", sum(1 for e in samples if e["gateway"] == "secomea"), "secomea samples",
          sum(len(e["payload"]) for e in samples if e["gateway"] == "inhand"), "inhand samples")


if __name__ == "__main__":
    main()
