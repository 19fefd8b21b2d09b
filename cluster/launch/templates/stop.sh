# End the Ray of {{ spec.name }} on one machine, and no other Ray there.
set -uo pipefail
{% include "machine.sh" %}
if runs; then
    number="$(cat "$pid")"
    kill -TERM "$number"
    for _ in $(seq 40); do
        kill -0 "$number" 2> /dev/null || break
        sleep 0.25
    done
    kill -KILL -- "-$number" 2> /dev/null
fi
rm -rf "$pid" "$log" "$sent" "$around"
ls "$folder"/pid-* > /dev/null 2>&1 || rm -f "$folder/token"
rmdir "$folder" 2> /dev/null   # stays if the user keeps variables there
echo "{{ spec.name }} has ended here"
