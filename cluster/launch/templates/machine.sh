folder="$HOME/.subnetlab/{{ spec.name }}"
# Named for the machine: homes may be shared.
pid="$folder/pid-{{ machine }}" log="$folder/log-{{ machine }}" sent="$folder/sent-{{ machine }}"
around="$(dirname {{ temp_dir }})"
runs() {   # after a reboot, the process of that number may be anything
    [ -f "$pid" ] && ps -ww -o args= -p "$(cat "$pid")" | grep -qx ".* start .* --temp-dir {{ temp_dir }}"
}
