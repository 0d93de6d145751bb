# Two holders of one lock, and the fence: two_holders.py CONNECT_STRING CONTROL_SOCKET, both as `zksim serve` prints them.
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
        self.session = "session 0x%x" % self.client.client_id[0]
        self.lock = self.client.Lock("/lock", name)

    def acquire(self):
        self.lock.acquire()
        self.token = self.client.get("/lock/" + self.lock.node)[1].czxid  # greater for every later holder
        ctl("observe acquired 1 %d 1 by %s" % (self.token, self.session))  # tells the checker what it believes

    def write(self, greatest):  # to what the lock protects; `greatest`: the fence, or None
        taken = greatest is None or self.token >= greatest
        print("%s writes: %s" % (self.name, "taken" if taken else "refused, for the fence is at 0x%x" % greatest), flush=True)

ann, bob = Holder("ann", servers[0]), Holder("bob", servers[1])
ann.acquire()
ctl("pause server 1")  # ann's server, or a long garbage collection of hers: she hears nothing
ctl("expire " + ann.session)
bob.acquire()
print("ann holds it: %s; bob holds it: %s" % (ann.lock.is_acquired, bob.lock.is_acquired), flush=True)
bob.write(None)
ann.write(None)  # what bob wrote is lost
bob.write(bob.token)
ann.write(bob.token)
