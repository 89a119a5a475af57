"""kill -9 while a function follows a table's stream: every change reaches the function all the same."""
import random

from tests.support.stream_world import World, until

ROUNDS = 3


def test_every_change_reaches_the_function(new_server):
    rng = random.Random(20261121)
    server = new_server("data").start()
    world = World(server.boto3("dynamodb"), server.boto3("lambda"), "followed")
    world.functions.create_event_source_mapping(EventSourceArn=world.stream, FunctionName=world.name, StartingPosition="TRIM_HORIZON", BatchSize=7)
    number = 0
    for _ in range(ROUNDS):
        for _ in range(rng.randrange(10, 40)):
            world.put(f"k{number:05d}")
            number += 1
        server.kill()
        server.start()
        world.dynamodb, world.functions = server.boto3("dynamodb"), server.boto3("lambda")
    wanted = [f"k{n:05d}" for n in range(number)]
    until(lambda: len(world.keys()) == number, deadline_s=60)
    assert world.keys() == wanted
    assert server.stop() == 0
