# sh supervise.sh FOLDER COMMAND...: runs COMMAND and leaves its exit code in FOLDER/exit. Standard input is a pipe from
# the service. When that closes, as the service closes it or has ended in whatever way, COMMAND is killed if it still
# runs, and FOLDER is removed. In sh, since R cannot watch while it works, and this needs no package.
folder=$1
shift
exec 3<&0
"$@" >/dev/null 2>"$folder/stderr" 3<&- &
job=$!
trap 'kill -9 $job' TERM INT HUP
{ cat <&3 >/dev/null; kill -TERM $$; } &
wait $job
echo $? >"$folder/code"
trap '' TERM INT HUP
mv "$folder/code" "$folder/exit"
wait
rm -rf "$folder"
