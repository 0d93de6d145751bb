"""A client of python3-kazoo for servers that may still be starting."""
import time

from kazoo.client import KazooClient


def connect(hosts, credentials=None, seconds=60):
    client = KazooClient(hosts, timeout=30)
    deadline = time.monotonic() + seconds
    while True:
        try:
            client.start(timeout=5)
            break
        except client.handler.timeout_exception:
            if time.monotonic() > deadline:
                raise
    if credentials:
        client.add_auth("digest", credentials)
    return client
