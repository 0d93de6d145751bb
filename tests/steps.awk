# How many steps a schedule takes as the published specifications of Zab count them, from the first request on: a request, a message of
# synchronisation or broadcast, a leader choosing a synchronisation, a crash, a restart, a broken connection; an election with its discovery
# is one (told by the leader's currentEpoch).  With threads=1 as those specifications that have threads: an fsync of a log and the application
# of a transaction are steps of their own.
/^moves/ { moves = 1; next }
!moves { next }
$1 == "request" { begun = 1; n++; next }
!begun { next }
$1 ~ /^(crash|kill|reset|partition|heal)$/ { n++ }
$1 == "boot" { n++; recovers[$2] = 1 }
$1 == "deliver" && $5 ~ /^quorum/ && $7 ~ /^(PROPOSAL|ACK|COMMIT|DIFF|TRUNC|SNAP|NEWLEADER|UPTODATE)[,;]?$/ { n++ }
$1 == "deliver" && $5 ~ /^quorum/ && $7 ~ /^NEWLEADER/ { follows[$3 == "->" ? $4 : $2] = 1 }
$1 == "disk" && / looking/ && recovers[$2] { recovers[$2] = 0; next }
$1 == "disk" && /# save current-epoch/ { n += !follows[$2]; follows[$2] = 0 }
$1 == "disk" && /# (fsync log|save snapshot)/ { n += threads }
$1 == "step" && $3 == "sync" { n++ }
$1 == "step" && $3 == "final" { n += threads }
END { print n + 0 }
