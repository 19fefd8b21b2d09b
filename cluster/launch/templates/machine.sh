folder="$HOME/.subnetlab/{{ spec.name }}"
# Each name contains the machine, as home folders may be shared.
pid="$folder/pid-{{ machine }}" log="$folder/log-{{ machine }}" sent="$folder/sent-{{ machine }}"
around="$(dirname {{ temp_dir }})"
runs() {   # after a reboot the pid may belong to another process
    [ -f "$pid" ] && ps -ww -o args= -p "$(cat "$pid")" | grep -qx ".* start .* --temp-dir {{ temp_dir }}"
}
