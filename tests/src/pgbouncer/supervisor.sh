# Runs PgBouncer ($2) in the folder $1 until the end of standard input: the other end of that pipe is
# held by the process that wants it, so it ends however that process ends. Then the folder is removed.
#
# Says "ready" or "failed" in one line. Runs in the folder.
trap '' PIPE
folder=$1

"$2" pgbouncer.ini >>pgbouncer.log 2>&1 &
pid=$!

# Five seconds; it takes some milliseconds.
tries=100
while [ ! -S .s.PGSQL.5432 ] && kill -0 "$pid" && [ "$tries" -gt 0 ]; do
    sleep 0.05
    tries=$((tries - 1))
done 2>>pgbouncer.log
if [ -S .s.PGSQL.5432 ]; then echo ready; else echo failed; fi

read -r _

# What a milder signal means differs between its versions, and nothing in there is wanted any more.
kill -KILL "$pid"
wait "$pid"
cd / && rm -rf "$folder"
