# Start Ray on one machine of {{ spec.name }}: run there by `ssh MACHINE bash -s`.
set -euo pipefail
folder="$HOME/.subnetlab/{{ spec.name }}"
# Named for the machine: homes may be shared.
pid="$folder/pid-{{ machine }}" log="$folder/log-{{ machine }}"
if [ -f "$pid" ] && ps -o args= -p "$(cat "$pid")" | grep -q "start .*--block"; then
    echo "Ray runs here already, as process $(cat "$pid")"
    exit 0
fi
found="$({{ spec.command }} --version)"
if [ "$found" != "ray, version {{ spec.ray }}" ]; then
    echo "this machine has '$found' and the cluster {{ spec.ray }}: install ray=={{ spec.ray }} with the same Python" >&2
    exit 3
fi
{% for key, value in environment.items() %}
export {{ key }}={{ value | shell }}
{% endfor %}
export RAY_AUTH_TOKEN_PATH="$folder/token"
setsid nohup {{ start }} > "$log" 2>&1 < /dev/null &
echo $! > "$pid"
for _ in $(seq 120); do
    if grep -q "Ray runtime started" "$log"; then
        echo "Ray runs as process $(cat "$pid")"
        exit 0
    fi
    kill -0 "$(cat "$pid")" 2> /dev/null || break
    sleep 0.5
done
tail -n 20 "$log" >&2
echo "Ray did not start within 60 s" >&2
exit 4
