# Start Ray on one machine of {{ spec.name }}; run there by `ssh MACHINE bash -s`.
set -euo pipefail
{% include "machine.sh" %}
if runs; then
    new="$(cat "$sent")" present="$(cat "$folder/token" || true)"
    rm -f "$sent"
    if [ "$new" != "$present" ]; then
        echo "Ray runs here with another token: copy this machine's {{ spec.folder }}/token to yours, under the same path" >&2
        exit 5
    fi
    echo "Ray already runs here, as process $(cat "$pid")"
    exit 0
fi
mv -f "$sent" "$folder/token"
version="$({{ spec.command }} --version)"
if [ "$version" != "ray, version {{ spec.ray }}" ]; then
    echo "this machine has '$version' and the cluster {{ spec.ray }}: install ray=={{ spec.ray }} with the same Python" >&2
    exit 3
fi
mkdir -m 700 "$around" 2> /dev/null || true
if [ -L "$around" ] || [ ! -O "$around" ] || [ -n "$(find "$around" -maxdepth 0 -perm /077)" ]; then
    echo "$around does not belong to this user alone: remove it there, or give the cluster another name" >&2
    exit 8
fi
if [ -f "$folder/env" ]; then
    if [ -n "$(find "$folder/env" -perm /077)" ]; then
        echo "others can read {{ spec.folder }}/env: chmod 600 it" >&2
        exit 6
    fi
    set -a
    . "$folder/env"
    set +a
fi
{% for key, value in environment.items() %}
export {{ key }}={{ value | shell }}
{% endfor %}
export RAY_AUTH_TOKEN_PATH="$folder/token"
{% if "/" in spec.command %}
export PATH={{ spec.command.rpartition("/")[0] | shell }}:"$PATH"   # so that jobs find the Python next to it
{% endif %}
{% if spec.tls %}
for file in {{ [spec.tls.cert, spec.tls.key, spec.tls.ca] | map("shell") | join(" ") }}; do
    [ -r "$file" ] || { echo "$file of [tls] can't be read on this machine: put it there" >&2; exit 7; }
done
{% endif %}
setsid nohup {{ start }} > "$log" 2>&1 < /dev/null &
echo $! > "$pid"
for _ in $(seq 120); do
    if grep -q "Ray runtime started" "$log"; then
        echo "Ray runs as process $(cat "$pid")"
        exit 0
    fi
    if ! kill -0 "$(cat "$pid")" 2> /dev/null; then
        tail -n 20 "$log" >&2
        echo "Ray ended before it was up: the lines above are its log" >&2
        exit 4
    fi
    sleep 0.5
done
tail -n 20 "$log" >&2
echo "Ray did not start within 60 s" >&2
exit 4
