# Makes a cluster in the folder $1, starts it, and waits for the end of standard input: the other
# end of that pipe is held by the process that wants the server, so it ends however that process
# ends. Then the server is stopped and the folder removed.
#
# Says "ready" or "failed" in one line, also after each order. Runs in the folder, with PostgreSQL's programs on PATH.
trap '' PIPE
folder=$1

make() {
    initdb --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync &&
        cat settings.conf >>data/postgresql.conf &&
        pg_ctl --pgdata=data --log=server.log --wait --timeout=60 start
}

if make >>supervisor.log 2>&1; then echo ready; else echo failed; fi

# "stop", "start": a server that goes and comes back while it is used, without a word of farewell.
while read -r order; do
    case $order in
    stop) pg_ctl --pgdata=data --mode=immediate --wait stop ;;
    start) pg_ctl --pgdata=data --log=server.log --wait --timeout=60 start ;;
    *) false ;;
    esac >>supervisor.log 2>&1 && echo ready || echo failed
done

# Immediate: nothing in there is wanted any more. pg_ctl takes the pid from the cluster's own file.
if [ -f data/postmaster.pid ]; then
    pg_ctl --pgdata=data --mode=immediate --wait stop >>supervisor.log 2>&1
fi
cd / && rm -rf "$folder"
