"""Two holders of one lock, and the fence: two_holders.py CONNECT_STRING CONTROL_SOCKET (both as printed by `zksim serve`)."""
import subprocess
import sys

from kazoo.client import KazooClient

servers, socket = sys.argv[1].split(","), sys.argv[2]


def ctl(command):
    subprocess.run(["build/zksim", "ctl", "--socket", socket, command], check=True)


class Holder:
    def __init__(self, name, server):
        self.name, self.client = name, KazooClient(server)
        self.client.start()
        self.lock = self.client.Lock("/lock", name)

    def tell(self, what, *numbers):  # for the checker: what this process believes
        ctl(" ".join(["observe", what, "1", *map(str, numbers), "by session 0x%x" % self.client.client_id[0]]))

    def acquire(self):
        self.lock.acquire()
        self.token = self.client.get("/lock/" + self.lock.node)[1].czxid  # grows with every holder
        self.tell("acquired", self.token, 1)


class Store:  # what the lock protects
    greatest = 0

    def write(self, holder, fenced):
        self.greatest = max(self.greatest, holder.token)
        taken = not fenced or holder.token == self.greatest
        print("%s writes %s a fence: %s" % (holder.name, "with" if fenced else "without", "taken" if taken else "refused"))


ann, bob, store = Holder("ann", servers[0]), Holder("bob", servers[1]), Store()
ann.acquire()
ctl("pause server 1")  # ann's server: she hears nothing any more
ctl("expire session 0x%x" % ann.client.client_id[0])
bob.acquire()
print("ann believes to hold: %s, bob: %s" % (ann.lock.is_acquired, bob.lock.is_acquired))
for fenced in False, True:
    store.write(bob, fenced)
    store.write(ann, fenced)
