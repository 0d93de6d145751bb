"""apache.py -- The two servers: Apache ZooKeeper from the Debian package, and `zksim serve`; both standalone, or both an ensemble of one
(a leader with epochs and a configuration), on loopback."""

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
tickTime=1000
initLimit=10
syncLimit=5
dataDir={directory}/data
clientPort={client}
clientPortAddress=127.0.0.1
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
extendedTypesEnabled=true
"""
ENSEMBLE = """\
standaloneEnabled=false
server.1=127.0.0.1:{quorum}:{election}:participant;127.0.0.1:{client}
"""

LOGGING = """\
log4j.rootLogger=WARN, FILE
log4j.appender.FILE=org.apache.log4j.FileAppender
log4j.appender.FILE.File={directory}/zookeeper.log
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


class Server:
    """A process that serves clients on `port`."""

    name = ""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="zksim-apache-")
        self.process = None
        self.port = 0

    def command(self):
        raise NotImplementedError

    def start(self, patience=60):
        with open(os.path.join(self.directory, "output"), "w") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=output, stderr=output)
        end = time.monotonic() + patience
        while not serves(self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("%s does not serve:\n%s" % (self.name, self.said()))
            time.sleep(0.05)

    def said(self):
        """The end of its logs."""
        said = ""
        for name in ("output", "zookeeper.log"):
            path = os.path.join(self.directory, name)
            if os.path.exists(path):
                with open(path, errors="replace") as output:
                    said += output.read()[-3000:]
        return said

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, keep=False):
        if self.alive():
            self.process.kill()
            self.process.wait()
        if self.process is not None:
            self.process.stdin.close()
            self.process = None
        if keep:
            print("%s: %s" % (self.name, self.directory), file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


class Apache(Server):
    name = "Apache ZooKeeper"

    def __init__(self, standalone):
        super().__init__()
        self.configuration = CONFIGURATION + ("" if standalone else ENSEMBLE)

    def command(self):
        require()
        self.port, quorum, election = free_ports(3)
        os.makedirs(self.directory + "/data")
        values = {"directory": self.directory, "client": self.port, "quorum": quorum, "election": election}
        for name, content in (("zoo.cfg", self.configuration), ("log4j.properties", LOGGING), ("data/myid", "1\n")):
            with open(os.path.join(self.directory, name), "w") as file:
                file.write(content.format(**values))
        properties = {"log4j.configuration": "file:%s/log4j.properties" % self.directory, "zookeeper.jmx.log4j.disable": "true",
                      "zookeeper.extendedTypesEnabled": "true", "zookeeper.forceSync": "no", "zookeeper.enforceQuota": "true",
                      "zookeeper.DigestAuthenticationProvider.superDigest": SUPER_DIGEST,
                      "znode.container.checkIntervalMs": str(NEVER_MS)}
        return (["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] +
                ["-D%s=%s" % pair for pair in properties.items()] +
                ["-cp", CLASS_PATH + LOGGERS, "org.apache.zookeeper.server.quorum.QuorumPeerMain", self.directory + "/zoo.cfg"])


class Zksim(Server):
    name = "zksim serve"

    def __init__(self, program, standalone):
        super().__init__()
        self.program, self.standalone = program, standalone

    def command(self):
        self.port = free_ports(1)[0]
        settings = ["tickTime=1s", "extendedTypesEnabled=1", "enforceQuota=1", "containerCheck=1h", "maxClientCnxns=0", "lastWatchModeWins=1",
                    "standalone=%d" % self.standalone]
        return ([self.program, "serve", "--servers", "1", "--port", str(self.port), "--socket", self.directory + "/control",
                 "--record-limit", "64", "--super", SUPER_DIGEST] + [word for setting in settings for word in ("--set", setting)])
