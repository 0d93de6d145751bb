"""kinds.py -- Services to compare, and what is played on them.

Each kind is configured alike for both: `configuration` is of Apache's zoo.cfg, `properties` are its system properties, `settings` those of
`zksim serve`."""

from dataclasses import dataclass, field
from typing import Any, Dict, List

import generator
import regimes

NEVER = "1h"
OPEN = ["maxClientCnxns=0", "containerCheck=" + NEVER]


@dataclass
class Kind:
    about: str
    generate: Any = generator.generate
    servers: int = 1
    standalone: bool = False
    tick_ms: int = 1000
    configuration: List[str] = field(default_factory=lambda: ["maxClientCnxns=0"])
    properties: Dict[str, str] = field(default_factory=dict)
    settings: List[str] = field(default_factory=lambda: OPEN)
    seeds: int = 40       # so many show all of `covers`
    operations: int = 500
    pause: float = 0.0  # seconds after a connection was closed, until the server knows
    counts: bool = True   # both count transactions and requests under way alike
    absent_percent: int = 5  # of the steps may be on connections that were closed before
    pilots: bool = False  # sessions of the player's own watch over what happens by itself
    covers: Any = generator.COVERS  # (operation, outcome) that some seed has to see


KINDS = {
    "standalone": Kind("a server without an ensemble", standalone=True, seeds=200),
    "led": Kind("a leader of an ensemble of one"),
    "three": Kind("sessions on any of three servers, moving between them", regimes.generate_three, servers=3, pilots=True),
    "expiring": Kind("sessions of three servers come to their end", regimes.generate_expiring, servers=3, operations=80, pilots=True, tick_ms=500,
                     configuration=["maxClientCnxns=0", "maxSessionTimeout=20000"], settings=OPEN + ["maxSessionTimeout=20s"],
                     covers=(("event", "deleted"), ("connect", "nobody"), ("connection", "closed"), ("event", "children-changed"))),
    "sweeping": Kind("containers and znodes with a TTL are swept away", regimes.generate_sweeping, operations=100, pilots=True,
                     properties={"znode.container.checkIntervalMs": "200", "znode.container.maxNeverUsedIntervalMs": "0"},
                     settings=["maxClientCnxns=0", "containerCheck=200ms"],
                     covers=(("createContainer", "ok"), ("createTTL", "ok"), ("event", "deleted"), ("exists", "NONODE"), ("exists", "ok"))),
    "lonely": Kind("a server that has lost the others serves readers", regimes.generate_lonely, servers=3, seeds=10, operations=60, pilots=True,
                   counts=False, absent_percent=30, configuration=["maxClientCnxns=0", "localSessionsEnabled=true", "localSessionsUpgradingEnabled=true"],
                   properties={"readonlymode.enabled": "true"}, settings=OPEN + ["readOnlyMode=1"],
                   covers=(("create", "NOTREADONLY"), ("getData", "ok"), ("multi", "NOTREADONLY"), ("connection", "closed"))),
    "reconfiguring": Kind("observers join and leave the configuration", regimes.generate_reconfiguring, servers=3, operations=60, pilots=True,
                          configuration=["maxClientCnxns=0", "reconfigEnabled=true"], settings=OPEN + ["reconfigEnabled=1"],
                          covers=(("reconfig", "ok"), ("reconfig", "NOAUTH"), ("reconfig", "BADARGUMENTS"), ("event", "data-changed"))),
    "crowded": Kind("a request at a time, six connections", regimes.generate_crowded, operations=100, standalone=True, pause=0.1,
                    configuration=["maxClientCnxns=6"], properties={"zookeeper.globalOutstandingLimit": "1"},
                    settings=["maxClientCnxns=6", "globalOutstandingLimit=1", "containerCheck=" + NEVER],
                    covers=(("connect", "refused"), ("create", "ok"), ("connection", "closed"))),
}
