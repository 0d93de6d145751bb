#!/usr/bin/python3
"""A program of Apache Curator sees the same of Apache ZooKeeper and of zksim, also when a server goes away.

    tests/apache/curator.py build/zksim

The program is CuratorProgram.java; both ensembles have three servers. Needs the Debian packages zookeeper, libcurator-recipes-java and a Java
compiler; without them it says so and is no failure.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import mt_client
from ensembles import CLASS_PATH

JARS = [f"/usr/share/java/{name}.jar" for name in ("curator-client", "curator-framework", "curator-recipes", "zookeeper-jute", "guava", "slf4j-nop")]


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    missing = [jar for jar in JARS if not os.path.exists(jar)] + [name for name in ("java", "javac") if shutil.which(name) is None]
    if missing:
        print("curator: NOT RUN, as there is no " + ", ".join(missing), file=sys.stderr)
        return
    classes = tempfile.mkdtemp()
    try:
        path = ":".join([classes, *JARS, CLASS_PATH])
        source = os.path.join(os.path.dirname(__file__), "CuratorProgram.java")
        subprocess.run(["javac", "-nowarn", "-d", classes, "-cp", path, source], check=True)
        mt_client.compare("curator", sys.argv[1], ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path, "CuratorProgram"])
    finally:
        shutil.rmtree(classes)


if __name__ == "__main__":
    main()
