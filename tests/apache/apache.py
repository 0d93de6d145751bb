"""apache.py -- The two services: Apache ZooKeeper from the Debian package, and `zksim serve`, on loopback; both a standalone server, or both
an ensemble of one or of three. Servers are numbered by their roles: the first leads, so that number 1 is a follower in either."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from ensembles import CLASS_PATH, free_ports

SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="  # of super:test
NEVER_MS = 2 ** 31 - 1
LOGGERS = ":/usr/share/java/slf4j-log4j12.jar:/usr/share/java/log4j-1.2.jar"

CONFIGURATION = """\
tickTime={tick}
initLimit=60
syncLimit=60
dataDir={directory}/data
clientPort={client}
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=*
extendedTypesEnabled=true
"""

LOGGING = """\
log4j.rootLogger=WARN, FILE
log4j.appender.FILE=org.apache.log4j.FileAppender
log4j.appender.FILE.File={directory}/zookeeper-{server}.log
log4j.appender.FILE.layout=org.apache.log4j.PatternLayout
log4j.appender.FILE.layout.ConversionPattern=%d %p %c{{1}}: %m%n
log4j.logger.org.apache.zookeeper.server.NIOServerCnxn=ERROR
"""


class Missing(Exception):
    """What is needed is not installed."""


def require():
    if shutil.which("java") is None:
        raise Missing("no java: make setup-apache")
    for part in CLASS_PATH.split(":"):
        if not os.path.exists(part):
            raise Missing("no %s: make setup-apache" % part)


def word(port, command, patience=2):
    """A four-letter word's answer, empty when nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), patience) as connection:
            connection.sendall(command.encode())
            answer = b""
            while True:
                more = connection.recv(65536)
                if not more:
                    return answer.decode()
                answer += more
    except OSError:
        return ""


def mode(port):
    """leader, follower, standalone, read-only, or nothing."""
    modes = [line[6:] for line in word(port, "srvr").split("\n") if line.startswith("Mode: ")]
    return modes[0] if modes else ""


def serves(port):
    """Whether it opens a session, and closes it."""
    request = bytes.fromhex("0000002d 00000000 0000000000000000 00002710 0000000000000000 00000010") + bytes(17)
    close = bytes.fromhex("00000008 00000001 fffffff5")
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(request + close)
            answer = b""
            while len(answer) < 41 + 20:
                more = connection.recv(64)
                if not more:
                    return False
                answer += more
            return True
    except OSError:
        return False


class Service:
    """Processes that serve clients on `ports`, by role."""

    name = ""

    def __init__(self, kind):
        self.kind = kind
        self.directory = tempfile.mkdtemp(prefix="zksim-apache-")
        self.processes = {}  # by the server's id, or 0 for all of them
        self.clients = []    # ports by id, from 1 on
        self.roles = []      # ids by role
        self.forgotten = 0   # connections that were closed only when they were used again

    def launch(self, server):
        raise NotImplementedError

    def start(self, patience=60):
        raise NotImplementedError

    def take_away(self, roles):
        """Servers end, without ado."""
        raise NotImplementedError

    def bring_back(self, roles):
        raise NotImplementedError

    def spawn(self, server, command):
        with open(os.path.join(self.directory, "output-%d" % server), "a") as output:
            self.processes[server] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output)

    def await_all(self, patience=60):
        """All of them serve; then the roles are known."""
        end = time.monotonic() + patience
        while not all(serves(port) for port in self.clients):
            if not self.alive() or time.monotonic() > end:
                raise RuntimeError("%s does not serve:\n%s" % (self.name, self.said()))
            time.sleep(0.05)
        self.roles = sorted(range(1, len(self.clients) + 1), key=lambda server: (mode(self.port_of(server)) == "follower", server))

    def port_of(self, server):
        return self.clients[server - 1]

    def port(self, role):
        return self.port_of(self.roles[role])

    def word(self, role, command):
        return word(self.port(role), command)

    def said(self):
        """The end of its logs."""
        said = ""
        for name in sorted(os.listdir(self.directory)):
            path = os.path.join(self.directory, name)
            if name.startswith("output") or name.endswith(".log"):
                with open(path, errors="replace") as output:
                    said += output.read()[-3000:]
        return said

    def alive(self):
        return bool(self.processes) and all(process.poll() is None for process in self.processes.values())

    def end(self, server):
        process = self.processes.pop(server)
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdin.close()

    def fail(self):
        """After this nobody takes it for usable."""
        for process in self.processes.values():
            process.kill()

    def stop(self, keep=False):
        for server in list(self.processes):
            self.end(server)
        if keep:
            print("%s: %s" % (self.name, self.directory), file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


class Apache(Service):
    name = "Apache ZooKeeper"

    def start(self, patience=60):
        require()
        count = self.kind.servers
        ports = free_ports(3 * count)
        self.clients = ports[:count]
        servers = ["server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d\n" % (at + 1, ports[count + at], ports[2 * count + at], ports[at])
                   for at in range(count)]
        for server in range(1, count + 1):
            directory = "%s/%d" % (self.directory, server)
            os.makedirs(directory + "/data")
            values = {"directory": directory, "client": self.port_of(server), "tick": self.kind.tick_ms}
            configuration = CONFIGURATION.format(**values) + "".join(line + "\n" for line in self.kind.configuration)
            if not self.kind.standalone:
                configuration += ("standaloneEnabled=false\n" if count == 1 else "") + "".join(servers)
            logging = LOGGING.format(directory=self.directory, server=server)
            for name, content in (("zoo.cfg", configuration), ("log4j.properties", logging), ("data/myid", "%d\n" % server)):
                with open(os.path.join(directory, name), "w") as file:
                    file.write(content)
            self.launch(server)
        self.await_all(patience)

    def launch(self, server):
        directory = "%s/%d" % (self.directory, server)
        properties = {"log4j.configuration": "file:%s/log4j.properties" % directory, "zookeeper.jmx.log4j.disable": "true",
                      "zookeeper.extendedTypesEnabled": "true", "zookeeper.forceSync": "no", "zookeeper.enforceQuota": "true",
                      "zookeeper.DigestAuthenticationProvider.superDigest": SUPER_DIGEST,
                      "znode.container.checkIntervalMs": str(NEVER_MS), **self.kind.properties}
        self.spawn(server, ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] +
                   ["-D%s=%s" % pair for pair in properties.items()] +
                   ["-cp", CLASS_PATH + LOGGERS, "org.apache.zookeeper.server.quorum.QuorumPeerMain", directory + "/zoo.cfg"])

    def take_away(self, roles):
        for role in roles:
            self.end(self.roles[role])

    def bring_back(self, roles):
        for role in roles:
            self.launch(self.roles[role])
        self.await_all()


class Zksim(Service):
    name = "zksim serve"

    def __init__(self, kind, program):
        super().__init__(kind)
        self.program = program

    def start(self, patience=60):
        first = self.first_port()
        self.clients = list(range(first, first + self.kind.servers))
        settings = ["tickTime=%dms" % self.kind.tick_ms, "initLimit=60", "syncLimit=60", "extendedTypesEnabled=1", "enforceQuota=1",
                    "lastWatchModeWins=1", "standalone=%d" % self.kind.standalone, *self.kind.settings]
        self.spawn(0, [self.program, "serve", "--servers", str(self.kind.servers), "--port", str(first),
                       "--socket", self.directory + "/control", "--record-limit", "64", "--super", SUPER_DIGEST] +
                   [word for setting in settings for word in ("--set", setting)])
        self.await_all(patience)

    def first_port(self):
        """That many in a row, most likely free."""
        while True:
            first = free_ports(1)[0]
            try:
                for port in range(first, first + self.kind.servers):
                    with socket.socket() as one:
                        one.bind(("127.0.0.1", port))
                return first
            except (OSError, OverflowError):
                pass

    def control(self, command):
        subprocess.run([self.program, "ctl", "--socket", self.directory + "/control", command], check=True, stdout=subprocess.DEVNULL)

    def take_away(self, roles):
        for role in roles:
            self.control("crash server %d" % self.roles[role])

    def bring_back(self, roles):
        for role in roles:
            self.control("restart server %d" % self.roles[role])
        self.await_all()
