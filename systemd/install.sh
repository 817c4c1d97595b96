#!/bin/sh
# Installs maskwatch from this checkout as a service, or brings an installed one up to date.
#
#   sudo systemd/install.sh [--broker ADDRESS] [--source CAMERA] [--detector haar|yunet] [--camera NAME ...]
#                           [--phone URL]
#
#   --broker ADDRESS   your MQTT broker: HOST, HOST:PORT, mqtt://USER@HOST or mqtts://USER@HOST
#   --source CAMERA    the camera: auto (default), picamera, usb:0, rtsp://..., ...
#   --detector NAME    the face detector: haar (default) or yunet
#   --camera NAME      one of several cameras on this machine, as the service maskwatch@NAME; may be repeated.
#                      --broker, --source and --detector then apply to the cameras named
#   --phone URL        also sends alerts there as short texts: https://ntfy.sh/A-NAME-THAT-NOBODY-GUESSES. Subscribe
#                      to that name in the app ntfy on the phone; anyone who knows the name can read the alerts
#   --python PYTHON    the interpreter (default python3)
#   --no-start         installs everything but starts nothing
#   --dry-run          only prints what would be done
#   --uninstall        removes maskwatch; settings and undelivered alerts stay
#   --purge            with --uninstall: removes those too
#
# Run again after `git pull` to upgrade: settings are kept, and the old version runs until the new one is complete.
set -eu

opt=/opt/maskwatch etc=/etc/maskwatch state=/var/lib/maskwatch units=/etc/systemd/system bin=/usr/local/bin/maskwatch
here=$(cd "$(dirname "$0")/.." && pwd)
python=python3 phone='' cameras='' dry='' start=yes uninstall='' purge='' broker='' source='' detector=''

main() {
    arguments "$@"
    check_machine
    if [ "$uninstall" ]; then
        remove
        return
    fi
    say "Debian packages" && packages
    say "User and folders" && user_and_folders
    say "Program" && program
    say "Settings" && settings
    say "Service" && service
    finish
}

say() { printf '\n== %s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 2
}

# runs a step, or only prints it (--dry-run)
run() {
    if [ "$dry" ]; then
        printf '  would run: %s\n' "$*"
    else
        "$@"
    fi
}

arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --broker | --source | --detector | --camera | --phone | --python)
                [ -n "${2-}" ] || fail "$1 needs a value; see $0 --help"
                case $1 in
                    --broker) broker=$2 ;;
                    --source) source=$2 ;;
                    --detector) detector=$2 ;;
                    --phone) phone=$2 ;;
                    --python) python=$2 ;;
                    --camera) cameras="$cameras $2" && camera_name "$2" ;;
                esac
                shift
                ;;
            --no-start) start='' ;;
            --dry-run) dry=yes ;;
            --uninstall) uninstall=yes ;;
            --purge) purge=yes ;;
            -h | --help) sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;;
            *) fail "unknown option $1; see $0 --help" ;;
        esac
        shift
    done
    case $phone in
        '' | http://* | https://*) ;;
        *) fail "--phone $phone: use an address such as https://ntfy.sh/A-NAME-THAT-NOBODY-GUESSES" ;;
    esac
    [ -z "$purge" ] || [ "$uninstall" ] || fail "--purge goes with --uninstall"
}

camera_name() {
    case $1 in
        maskwatch) fail "--camera maskwatch: that is the name of the plain service; choose another" ;;
        *[!a-z0-9_-]*) fail "--camera $1: use 1 to 64 of a-z 0-9 _ -; it is the camera's name in MQTT topics" ;;
    esac
    [ ${#1} -le 64 ] || fail "--camera $1: use at most 64 letters"
}

check_machine() {
    [ "$dry" ] || [ "$(id -u)" = 0 ] || fail "must be run as root: sudo $0 (or --dry-run to see what it would do)"
    command -v systemctl >/dev/null || fail "there is no systemd here; maskwatch also runs without it: make run"
    [ "$uninstall" ] && return
    command -v apt-get >/dev/null || fail "there is no apt-get here; this installer is for Debian and Raspberry Pi OS"
    architecture=$(dpkg --print-architecture)
    case $architecture in
        arm64 | amd64) ;;
        *)
            fail "this system is $architecture; maskwatch's packages exist for 64-bit systems (arm64, amd64) only." \
                "On a Pi 3, 4, 5 or Zero 2 write the 64-bit Raspberry Pi OS to the card and run this again."
            ;;
    esac
}

# picamera2 exists on Raspberry Pi OS only; elsewhere USB and network cameras are enough
packages() {
    missing=''
    for package in python3-venv python3-picamera2; do
        if installed "$package"; then
            echo "$package is there"
        else
            missing="$missing $package"
        fi
    done
    [ "$missing" ] || return 0
    run apt-get update -qq || echo "the lists of packages could not be updated; trying with the old ones"
    for package in $missing; do
        if [ "$package" = python3-picamera2 ] && ! apt-cache show "$package" >/dev/null 2>&1; then
            echo "no $package in this system's packages: USB and network cameras only"
        else
            run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 \
                -o DPkg::Lock::Timeout=300 --no-install-recommends "$package"
        fi
    done
}

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

user_and_folders() {
    getent passwd maskwatch >/dev/null ||
        run useradd --system --user-group --home-dir $state --no-create-home --shell /usr/sbin/nologin maskwatch
    run usermod -a -G video maskwatch
    run install -d -m 755 $opt $etc
}

# Each version has a folder of its own, and $opt/current points at the one in use. An installation that breaks off
# leaves the version before untouched.
program() {
    tree=$(fingerprint)
    if [ -x $opt/current/bin/maskwatch ] && [ "$(cat $opt/current/fingerprint 2>/dev/null)" = "$tree" ]; then
        echo "$($opt/current/bin/maskwatch --version) is already installed, from the same files"
        return
    fi
    new=$opt/$(date -u +%Y%m%dT%H%M%SZ)
    if [ "$dry" ]; then
        run "$here/systemd/make-venv.sh" "$new" "$python"
        run "$new/bin/pip" install -c "$new/constraints.txt" "${here}[broker,yunet,web]"
        run ln -sfn "$new" $opt/current
        return
    fi
    trap 'rm -rf "$new" "$copy"; echo "install.sh: the program is not installed; what was there before is untouched" >&2' EXIT
    trap 'exit 1' HUP INT TERM
    copy=$(mktemp -d) # pip builds in the source folder; the copy keeps files of root out of the checkout
    (cd "$here" && cp -R edge convert models systemd setup.cfg pyproject.toml README.md LICENSE "$copy")
    "$here/systemd/make-venv.sh" "$new" "$python"
    "$new/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir \
        -c "$new/constraints.txt" "${copy}[broker,yunet,web]"
    "$new/bin/maskwatch" --version
    echo "$tree" >"$new/fingerprint"
    ln -sfn "$new" "$opt/next" && mv -T "$opt/next" $opt/current
    trap - EXIT
    rm -rf "$copy"
}

fingerprint() {
    (
        cd "$here"
        "$python" -V
        find edge convert models systemd setup.cfg pyproject.toml -type f ! -name '*.pyc' | LC_ALL=C sort | xargs -d '\n' sha256sum
    ) | sha256sum | cut -c 1-64
}

# existing settings stay as they are, except the options given here
settings() {
    for name in ${cameras:-$(plain)}; do
        if [ ! -e "$etc/$name.toml" ]; then
            # not readable by every user: a camera's address may hold a password
            run install -m 640 -g maskwatch "$here/systemd/maskwatch.toml" "$etc/$name.toml"
        else
            echo "$etc/$name.toml is kept"
            run chgrp maskwatch "$etc/$name.toml" # the user may have been created again since
            run chmod 640 "$etc/$name.toml"
        fi
        if [ ! -e "$etc/$name.password" ]; then
            run install -m 600 /dev/null "$etc/$name.password"
        fi
        if [ "$broker$source$detector" ]; then
            run env STATE_DIRECTORY="$state/$name" $opt/current/bin/maskwatch set --config "$etc/$name.toml" \
                ${broker:+--broker "$broker"} ${source:+--source "$source"} ${detector:+--detector "$detector"}
        fi
    done
    run install -m 644 "$here/systemd/maskwatch.toml" $etc/maskwatch.toml.example
    if [ "$phone" ]; then
        name=$(first)
        run install -m 600 /dev/null "$etc/$name.phone"
        [ "$dry" ] || echo "$phone" >"$etc/$name.phone"
    fi
}

# the plain service, unless the cameras of this machine have names
plain() {
    if [ -e $etc/maskwatch.toml ] || ! named | grep -q .; then
        echo maskwatch
    fi
}

unit_of() { [ "$1" = maskwatch ] && echo maskwatch.service || echo "maskwatch@$1.service"; }

# the camera for the closing hints and for the phone
first() {
    for name in ${cameras:-$(plain)} $(named | sed 's/maskwatch@//; s/.service//'); do
        echo "$name" && return
    done
}

named() { linked 'maskwatch@*.service'; }

linked() { (cd $units && find multi-user.target.wants -name "$1" -printf '%f\n' 2>/dev/null | sort); }

service() {
    run install -m 644 "$here/systemd/maskwatch.service" "$here/systemd/maskwatch@.service" \
        "$here/systemd/maskwatch-phone@.service" $units
    run install -m 755 "$here/systemd/maskwatch" $bin
    run systemctl daemon-reload
    for name in ${cameras:-$(plain)}; do
        run systemctl --quiet enable "$(unit_of "$name")"
        [ ! -e "$etc/$name.phone" ] || run systemctl --quiet enable "maskwatch-phone@$name.service"
    done
    [ "$start" ] || return 0
    for unit in $(enabled); do
        # waits until it is ready; why it fails is shown below, from its log
        run systemctl reset-failed "$unit" 2>/dev/null || true
        run systemctl restart "$unit" || failed="${failed-} $unit"
    done
}

enabled() {
    if [ "$dry" ]; then
        for name in ${cameras:-$(plain)}; do
            unit_of "$name"
        done
    else
        linked maskwatch.service
        named
        linked 'maskwatch-phone@*.service'
    fi
}

finish() {
    [ "$dry" ] && return
    current=$(readlink $opt/current)
    before=''
    for old in "$opt"/*Z; do
        [ "$old" != "$current" ] || continue
        # keep the old version if it may still run (nothing was started) or be needed (the new one does not start)
        if [ "$start" ] && [ -z "${failed-}" ]; then rm -rf "$old"; else before=$old; fi
    done
    for unit in ${failed-}; do
        echo "$unit does not start:"
        journalctl --no-pager -q -n 5 -o cat -u "$unit" || true
        [ -z "$before" ] || echo "back to the version before: sudo ln -sfn $before $opt/current; sudo systemctl restart $unit"
    done
    for name in ${cameras:-$(plain)}; do
        say "maskwatch doctor${cameras:+ --device $name}"
        $bin doctor ${cameras:+--device "$name"} || true
    done
    name=$(first) of=''
    [ "$name" = maskwatch ] || of=" --device $name"
    unit=$(unit_of "$name") && unit=${unit%.service}
    cat <<END

Installed. What next:
  your broker       sudo maskwatch set$of --broker mqtt://USER@ADDRESS
  its password      sudo nano $etc/$name.password
  other settings    sudo nano $etc/$name.toml
  then              sudo systemctl restart $unit
  read its log      journalctl -f -u $unit
  check it          sudo maskwatch doctor$of
END
    [ -z "${failed-}" ] || exit 1
}

remove() {
    for unit in $(enabled); do
        run systemctl --quiet disable --now "$unit"
    done
    # also units that somebody disabled; it is no error if there is none
    run systemctl stop maskwatch.service 'maskwatch@*' 'maskwatch-phone@*' 2>/dev/null || true
    run rm -f $units/maskwatch.service $units/maskwatch@.service $units/maskwatch-phone@.service $bin
    run systemctl daemon-reload
    run rm -rf $opt
    if [ "$purge" ]; then
        run rm -rf $etc $state
    fi
    if getent passwd maskwatch >/dev/null; then
        run userdel maskwatch || echo "the user maskwatch is still in use and is kept"
    fi
    [ -z "$purge" ] || echo "removed, with settings and undelivered alerts"
    [ "$purge" ] || echo "removed; settings ($etc) and undelivered alerts ($state) are kept: --uninstall --purge deletes them"
}

main "$@"
