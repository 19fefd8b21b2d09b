# End the Ray of {{ spec.name }} on one machine, and no other that runs there.
set -uo pipefail
folder="$HOME/.subnetlab/{{ spec.name }}"
kept="$folder/pid-{{ machine }}"
pid="$(cat "$kept" 2> /dev/null)"
if [ -n "$pid" ] && ps -o args= -p "$pid" | grep -q "start .*--block"; then
    kill -TERM "$pid"
    for _ in $(seq 40); do
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.25
    done
    kill -KILL -- "-$pid" 2> /dev/null
fi
rm -rf "$kept" "$folder/log-{{ machine }}" {{ temp_dir }}
ls "$folder"/pid-* > /dev/null 2>&1 || rm -rf "$folder"
echo "{{ spec.name }} has ended here"
