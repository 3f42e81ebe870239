#!/usr/bin/env bash
# Runs q1 to q8 on other engines, in process and single-threaded, and on Foreshock, and prints one table.
#
#   benches/peers/run.sh [q1 q5 ...]      all queries by default; takes about twenty minutes
#
# ENGINES="siddhi esper flink" chooses peers, EVENTS=n the number of events of every query, FORESHOCK the
# binary (by default target/release/foreshock, which is built if it isn't there). Java 17 and Maven are needed for
# the peers; what can't run here is skipped, and the table says so.
#
# The rows are those of `foreshock bench`, made before the clock starts. CPU time: of the thread that sends,
# without garbage collection (Siddhi, Esper), or of the process, of which that for a tenth of the rows is
# subtracted (Flink, which starts threads of its own and takes long to begin).
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
queries=("$@")
[[ ${#queries[@]} -gt 0 ]] || queries=(q1 q2 q3 q4 q5 q6 q7 q8)
work=$PWD/target
mkdir -p "$work/queries"
results=$work/results.tsv
: >"$results"
skipped=()

foreshock=${FORESHOCK:-$root/target/release/foreshock}
if [[ ! -x $foreshock ]]; then
  (cd "$root" && cargo build --release)
fi
for q in "${queries[@]}"; do
  "$foreshock" bench --query "$q" --show >"$work/queries/$q.siddhi"
done

# Foreshock first: its row counts are checked against the hand-written loops. As many events as the peers get,
# whose numbers are in Bench.java.
events_of() {
  [[ -z ${EVENTS:-} ]] || { echo "$EVENTS"; return; }
  grep -o "\"$1\", [0-9_]*" common/src/main/java/foreshock/peers/Bench.java | sed 's/.*, //; s/_//g'
}
for q in "${queries[@]}"; do
  "$foreshock" bench --query "$q" --batch-rows 1,8192 --events "$(events_of "$q")" | sed 's/[()]/ /g' |
    awk -v OFS='\t' -v q="$q" '$1 == q { print "RESULT", "Foreshock, " $2 " a send", q, $4, $5, $8, 1000 / $7, "" }'
done | tee -a "$results"

if ! command -v java >/dev/null || ! command -v mvn >/dev/null; then
  skipped+=("Siddhi, Esper, Flink: java and mvn are not installed")
  ENGINES=""
fi
for engine in ${ENGINES-siddhi esper flink}; do
  if ! mvn -B -q package -pl "common,$engine" >"$work/$engine.build.log" 2>&1; then
    skipped+=("$engine: can't be built, see $work/$engine.build.log")
    continue
  fi
  classes=$engine/target/classes:common/target/classes:$engine/target/lib/*
  opens=()
  for package in java.lang java.util java.util.concurrent java.time; do
    opens+=(--add-opens "java.base/$package=ALL-UNNAMED")
  done
  QUERIES=$work/queries java -Xmx4g -XX:+UseSerialGC "${opens[@]}" -cp "$classes" \
    "foreshock.peers.$engine.Main" "${queries[@]}" 2>"$work/$engine.log" |
    grep -E '^(RESULT|FAILED)' | tee -a "$results" ||
    skipped+=("$engine: ended early, see $work/$engine.log")
done

# The table: ns of CPU time per event, events per second, and how many times faster Foreshock is at 8192 rows
# a send.
echo
awk -F'\t' '
  $1 == "RESULT" && $2 == "Foreshock, 8192 a send" { ns[$3] = $6; rows[$3] = $5 }
  $1 == "RESULT" && $2 == "Foreshock, 1 a send" { single[$3] = $6 }
  { line[NR] = $0 }
  END {
    print "| query | engine | events | rows out | ns/event | M events/s | Foreshock at 8192 / at 1 is faster by | |"
    print "|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= NR; i++) {
      split(line[i], f, "\t")
      if (f[1] == "FAILED") { print "| " f[3] " | " f[2] " | failed: " f[4] " | | | | | |"; continue }
      q = f[3]
      note = f[8]
      if (f[5] != rows[q]) note = note (note == "" ? "" : "; ") "Foreshock: " rows[q] " rows"
      faster = f[2] ~ /^Foreshock/ ? "" : sprintf("%.0f / %.1f", f[6] / ns[q], f[6] / single[q])
      printf "| %s | %s | %d | %d | %.1f | %.3g | %s | %s |\n", q, f[2], f[4], f[5], f[6], 1000 / f[6], faster, note
    }
  }' <(sort -t$'\t' -s -k3,3 "$results")
for reason in "${skipped[@]}"; do
  echo "skipped: $reason"
done
