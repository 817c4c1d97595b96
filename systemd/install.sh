#!/bin/sh
# Installs maskwatch from this checkout as a service, or brings an installed one up to date.
#
#   sudo systemd/install.sh [--broker ADDRESS] [--source CAMERA] [--detector haar|yunet] [--camera NAME ...]
#                           [--phone URL [--phone-token-file FILE]] [--web | --web-password-file FILE]
#                           [--store FILE] [--gpio] [--sound]
#
#   --broker ADDRESS   your MQTT broker: HOST, HOST:PORT, mqtt://USER@HOST or mqtts://USER@HOST
#   --source CAMERA    the camera: auto (default), picamera, usb:0, rtsp://..., ...
#   --detector NAME    the face detector: haar (default) or yunet
#   --camera NAME      one of several cameras on this machine, as the service maskwatch@NAME; may be repeated.
#                      the options above, --gpio and --sound then apply to the cameras named
#   --phone URL        also sends alerts there as short texts: https://ntfy.sh/A-NAME-THAT-NOBODY-GUESSES. Subscribe
#                      to that name in the app ntfy on the phone; anyone who knows the name can read the alerts
#   --phone-token-file FILE    a token for that address, if it needs one, in the first line of FILE (- for standard input)
#   --store FILE       also keeps what all doors of the broker say in a database; the first line of FILE is its address,
#                      postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:/var/lib/maskwatch/maskwatch/doors.db (- for stdin)
#   --web              also serves the page to your network, at port 8080 of this machine; asks for its password
#   --web-password-file FILE   does so with the password in the first line of FILE (- for standard input)
#   --gpio             lets the service use GPIO pins, for the outputs led, buzzer, relay and servo
#   --sound            lets the service use sound cards, for the output sound
#   --python PYTHON    the interpreter (default python3)
#   --no-start         installs everything but starts nothing
#   --dry-run          only prints what would be done
#   --uninstall        removes maskwatch, and its retained messages at the broker; settings and undelivered alerts stay
#   --purge            with --uninstall: removes those too
#
# Run again after `git pull` to upgrade: settings are kept, and the old version runs until the new one is complete.
set -eu

# This runs as root. Of the caller's environment it takes over only what says where packages come from (their hashes
# are checked), the language and the terminal. Nothing is found through a PATH of somebody else.
for variable in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $variable in
        PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_FIND_LINKS | PIP_NO_INDEX | PIP_TRUSTED_HOST | PIP_CERT | PIP_PROXY) ;;
        http_proxy | https_proxy | no_proxy | HTTP_PROXY | HTTPS_PROXY | NO_PROXY | LANG | LC_ALL | TERM | SUDO_UID | PATH | PWD) ;;
        *) unset "$variable" 2>/dev/null || true ;;
    esac
done
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022

opt=/opt/maskwatch etc=/etc/maskwatch state=/var/lib/maskwatch units=/etc/systemd/system bin=/usr/local/bin/maskwatch
here=$(cd "$(dirname "$0")/.." && pwd)
python=python3 phone='' cameras='' dry='' start=yes uninstall='' purge='' broker='' source='' detector=''
web='' web_password_file='' web_password='' phone_token_file='' phone_token='' store_file='' store='' rights='' repeat="sudo $0"
apt_patience=600 # seconds; unattended-upgrades takes minutes on a Pi that was just set up

main() {
    arguments "$@"
    check_machine
    if [ "$uninstall" ]; then
        remove
        return
    fi
    [ -z "$web" ] || [ "$dry" ] || page_password
    [ -z "$phone_token_file" ] || [ "$dry" ] || token
    [ -z "$store_file" ] || [ "$dry" ] || database
    case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/${python##*/} ;; esac
    cd / # no program below finds files of the folder in which this was started
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

# runs a step, or only prints it (--dry-run), without the password that an address may hold
run() {
    if [ "$dry" ]; then
        printf '  would run: %s\n' "$*" | without_password
    else
        "$@"
    fi
}

# an address is hidden as a whole: cameras take user and password in its path and query too, and it may be mistyped
# what has a character of addresses or quotes may be a secret at the wrong option; only the names of units have an @
without_password() {
    sed -E -e 's#((rtsp|http)s?:/*)[^ ]+#\1...#gI' -e 's#(://)[^ ]*@#\1...@#g' \
        -e 's#(^| )[^ :]*:[^ /][^ ]*@[^ ]*#\1...#g' \
        -e 's#maskwatch(-phone|-store)?@#maskwatch\1\x01#g' -e 's#(^| )[^ /]*@[^ ]*#\1...#g' \
        -e 's#(^| )[^ ]*["\\&?%{}$!][^ ]*#\1...#g' -e 's#\x01#@#g'
}

arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --store) repeat="$repeat $1 FILE" ;; # the address may be typed instead
            --phone) repeat="$repeat $1 URL" ;; # anyone who knows the address can read the alerts
            --broker) repeat="$repeat $1 $(printf %s "${2-}" | without_password)" ;;
            --source) repeat="$repeat $1 SOURCE" ;;
            --*-file | --detector | --camera | --python) repeat="$repeat $1 ${2-}" ;;
            *) repeat="$repeat $1" ;;
        esac
        case $1 in
            --broker | --source | --detector | --camera | --phone | --store | --python | --web-password-file | --phone-token-file)
                [ -n "${2-}" ] || fail "$1 needs a value; see $0 --help"
                case $1 in
                    --broker) broker=$2 ;;
                    --source) source=$2 ;;
                    --detector) detector=$2 ;;
                    --phone) phone=$2 ;;
                    --store) store_file=$2 ;;
                    --python)
                        command -v "$2" >/dev/null || fail "--python $(printf %s "$2" | without_password): there is no such program"
                        python=$2
                        ;;
                    --web-password-file) web=yes web_password_file=$2 ;;
                    --phone-token-file) phone_token_file=$2 ;;
                    --camera) cameras="$cameras $2" && camera_name "$2" ;;
                esac
                shift
                ;;
            --web) web=yes ;;
            --gpio | --sound) rights="$rights ${1#--}" ;;
            --no-start) start='' ;;
            --dry-run) dry=yes ;;
            --uninstall) uninstall=yes ;;
            --purge) purge=yes ;;
            -h | --help) sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;;
            -*) fail "unknown option ${1%%=*}; see $0 --help" ;;
            *) fail "$(printf %s "$1" | without_password) is no option; see $0 --help" ;;
        esac
        shift
    done
    case $phone in
        '' | http://* | https://*) ;;
        *) fail "--phone: use an address such as https://ntfy.sh/A-NAME-THAT-NOBODY-GUESSES" ;;
    esac
    case $web$cameras in
        'yes '*' '*) fail "--web sets up the page of one camera: run $0 once for each, then give each its own web.port" ;;
    esac
    [ -z "$rights" ] || [ "$cameras$(plain)" ] || fail "--${rights##* }: name the cameras that may use it, with --camera NAME"
    [ -z "$purge" ] || [ "$uninstall" ] || fail "--purge goes with --uninstall"
}

camera_name() {
    case $1 in
        maskwatch) fail "--camera maskwatch: that is the name of the plain service; choose another" ;;
        *[!a-z0-9_-]*) fail "--camera $(printf %s "$1" | without_password): use 1 to 64 of a-z 0-9 _ -; it is the camera's name in MQTT topics" ;;
    esac
    [ ${#1} -le 64 ] || fail "--camera $1: use at most 64 letters"
}

check_machine() {
    [ "$dry" ] || [ "$(id -u)" = 0 ] || fail "must be run as root: sudo $0 (or --dry-run to see what it would do)"
    [ "$dry" ] || check_checkout
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
    for right in gpio sound; do
        [ -z "$(drop_ins $right)" ] || getent group "$(group_of $right)" >/dev/null ||
            fail "--$right: this system has no group $(group_of $right). On Raspberry Pi OS the devices belong to it; elsewhere" \
                "create it (sudo groupadd --system $(group_of $right)), and give it the devices by a udev rule"
    done
}

# What is installed runs at this door for years, so nobody but root and the user who calls sudo may have written it.
# A group counts as its user where both have one name and no other member.
# shellcheck disable=SC2086 # $others are several words
check_checkout() {
    owner=${SUDO_UID:-0}
    case $owner in *[!0-9]*) owner=0 ;; esac
    own=$(id -gn "$owner" 2>/dev/null || echo root)
    [ "$own" = "$(id -un "$owner" 2>/dev/null)" ] && [ -z "$(getent group "$own" | cut -d : -f 4)" ] || own=root
    others="( ! -uid 0 ! -uid $owner -o -perm /022 ! -type l ! ( -group $own ! -perm /002 ) )"
    above=$here
    while [ "$above" != / ]; do # anyone who may rename a folder above may replace the checkout
        above=$(dirname "$above")
        found=$(find "$above" -maxdepth 0 $others ! \( -perm -1000 -uid 0 \))
        [ -z "$found" ] || foreign "$found"
    done
    found=$(find "$here" -maxdepth 0 $others -print && cd "$here" &&
        find edge convert models systemd setup.cfg pyproject.toml README.md LICENSE $others -print -quit)
    [ -z "$found" ] || foreign "$found"
}

foreign() {
    fail "$1 belongs to, or can be written by, another user than root and the one who calls sudo, so it is not run as root." \
        "Check what is in it, then: sudo chown -R root: $here; sudo chmod -R go-w $here. Or clone it anew as your own user."
}

# picamera2 exists on Raspberry Pi OS only; elsewhere USB and network cameras are enough
packages() {
    missing='' needed='python3-venv python3-picamera2'
    [ -z "$(drop_ins sound)" ] || needed="$needed alsa-utils"
    # the lock has lgpio for Python 3.11 only, because no wheel for 3.13 exists
    [ -z "$(drop_ins gpio)" ] || grep -qs '^lgpio==' "$(lock_for "$python")" || needed="$needed python3-lgpio"
    for package in $needed; do
        if installed "$package"; then
            echo "$package is there"
        else
            missing="$missing $package"
        fi
    done
    [ "$missing" ] || return 0
    # without Error-Mode=any, apt-get succeeds where it has reached no server at all
    reached=yes
    apt update -qq -o APT::Update::Error-Mode=any || {
        reached=''
        echo "the package index could not be read completely; trying with what is known from before"
    }
    for package in $missing; do
        if [ "$dry" ] || apt-cache show "$package" >/dev/null 2>&1; then
            apt install -y -qq --no-install-recommends "$package" || not_installed "$package"
        elif [ "$package" = python3-lgpio ] && [ "$reached" ]; then
            fail "--gpio: this system's packages have no python3-lgpio, which drives the pins. Raspberry Pi OS has it"
        elif [ "$package" != python3-picamera2 ] || { [ -z "$reached" ] && is_pi; }; then
            not_installed "$package"
        elif [ "$reached" ]; then
            echo "no $package in this system's packages: USB and network cameras only"
        else
            echo "$package is not known here, and without the package index nobody can tell whether it exists: USB and" \
                "network cameras only. To look again: $repeat"
        fi
    done
}

not_installed() {
    fail "$1 is needed and could not be installed: the lines above say why." \
        "Check the network (ping -c 1 deb.debian.org) and the clock (timedatectl), then repeat: $repeat"
}

is_pi() { [ -e /etc/rpi-issue ] || grep -qs 'Raspberry Pi' /proc/device-tree/model; }

# apt-get, as soon as no other program uses apt. DPkg::Lock::Timeout waits for one of apt's three locks only.
apt() {
    set -- apt-get -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=10 "$@"
    if [ "$dry" ]; then
        run "$@"
        return
    fi
    output=$(mktemp) deadline=$(($(date +%s) + apt_patience)) waits=''
    while :; do
        if LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" >"$output" 2>&1; then
            rm -f "$output"
            return 0
        fi
        if ! grep -q 'get lock\|dpkg frontend lock\|Unable to lock' "$output" || [ "$(date +%s)" -ge $deadline ]; then
            break
        fi
        if [ -z "$waits" ]; then
            holder=$(sed -n 's/.*held by \(process .*)\).*/\1/p;T;q' "$output")
            echo "another program installs packages (${holder:-unknown}); waiting for it, $((apt_patience / 60)) minutes at most"
            waits=yes
        fi
        sleep 5
    done
    sed 's/^/  apt-get: /' "$output" >&2
    rm -f "$output"
    return 1
}

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

user_and_folders() {
    getent passwd maskwatch >/dev/null ||
        run useradd --system --user-group --home-dir $state --no-create-home --shell /usr/sbin/nologin maskwatch
    groups=video
    for right in gpio sound; do
        [ -z "$(drop_ins $right)" ] || groups="$groups,$(group_of $right)"
    done
    run usermod -a -G "$groups" maskwatch
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
        run "$new/bin/python" -I -m pip install --require-hashes --only-binary=:all: -r "$here/systemd/lock/VERSION.txt"
        run "$new/bin/python" -I -m pip install --no-deps --no-index --no-build-isolation "$here"
        run ln -sfn "$new" $opt/current
        return
    fi
    trap 'rm -rf "$new" "$copy"; echo "install.sh: the program is not installed; what was there before is untouched" >&2' EXIT
    trap 'exit 1' HUP INT TERM
    copy=$(mktemp -d "$opt/build.XXXXXX") # pip builds in the source folder; the copy keeps files of root out of the checkout
    (cd "$here" && cp -R edge convert models systemd setup.cfg pyproject.toml README.md LICENSE "$copy")
    "$here/systemd/make-venv.sh" "$new" "$python"
    lock=$(here=$copy lock_for "$new/bin/python")
    [ -e "$lock" ] || fail "the packages of maskwatch are checked for Python 3.11 and 3.13 (Bookworm, Trixie) only;" \
        "$python is $("$python" -I -V)"
    # picamera2 needs the NumPy that it was built against, which is apt's
    ! grep -q numpy "$new/constraints.txt" || sed -i '/^numpy==/,/[^\\]$/d' "$lock"
    mkdir -m 700 "$copy/tmp"
    # wheels only: no program of a package runs as root while it is installed; the lock has all that they need
    pip --require-hashes --only-binary=:all: --ignore-installed -r "$lock" || {
        echo "install.sh: pip could not install Python packages: the lines above say why." \
            "Check the network and the clock (timedatectl), then repeat: $repeat" >&2
        exit 1
    }
    # maskwatch itself, by the setuptools of the lock
    pip --no-index --no-build-isolation "$copy"
    "$new/bin/maskwatch" --version
    echo "$tree" >"$new/fingerprint"
    ln -sfn "$new" "$opt/next" && mv -T "$opt/next" $opt/current
    trap - EXIT
    rm -rf "$copy"
}

lock_for() { echo "$here/systemd/lock/$("$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])').txt"; }

# pip's own temporary files: not in /tmp, which everybody shares and which may be small
pip() {
    TMPDIR=$copy/tmp "$new/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
        --no-input "$@"
}

fingerprint() {
    (
        cd "$here"
        "$python" -I -V
        # the environment is made for them: with another picamera2, NumPy or lgpio it must be made anew
        dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' python3-picamera2 python3-numpy python3-lgpio 2>/dev/null || true
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
        for secret in password camera-password; do
            if [ ! -e "$etc/$name.$secret" ]; then
                run install -m 600 /dev/null "$etc/$name.$secret"
            fi
        done
        if [ "$broker$source$detector" ]; then
            run env STATE_DIRECTORY="$state/$name" $opt/current/bin/maskwatch set --config "$etc/$name.toml" \
                ${broker:+--broker "$broker"} ${source:+--source "$source"} ${detector:+--detector "$detector"}
        fi
    done
    run install -m 644 "$here/systemd/maskwatch.toml" $etc/maskwatch.toml.example
    if [ "$phone" ]; then
        name=$(first)
        run install -m 600 /dev/null "$etc/$name.phone"
        if [ "$dry" ]; then
            echo "  would write: the address into $etc/$name.phone"
        else
            printf '%s\n' "$phone" >"$etc/$name.phone"
        fi
    fi
    if [ "$phone_token_file" ]; then
        name=$(first)
        run install -m 600 /dev/null "$etc/$name.phone-token"
        [ "$dry" ] || printf '%s\n' "$phone_token" >"$etc/$name.phone-token"
    fi
    if [ "$store_file" ]; then
        name=$(first)
        run install -m 600 /dev/null "$etc/$name.store"
        [ "$dry" ] || printf '%s\n' "$store" >"$etc/$name.store"
    fi
    [ -z "$web" ] || page "$(first)"
}

# asks for the page's password before anything is done; an installed page keeps its password unless a file names a new one
page_password() {
    case $web_password_file in
        '')
            if grep -qs '^password_hash *= *"scrypt' "$etc/$(first).toml"; then
                echo "the page keeps its password; to change it: sudo maskwatch set --web-password"
                return
            fi
            if [ -t 0 ]; then
                ask 'password of the page (at least 8 characters): ' && web_password=$answer
                ask 'the same password again: '
                [ "$answer" = "$web_password" ] || fail "the two passwords differ; nothing was changed"
            else
                IFS= read -r web_password || true
            fi
            ;;
        *) first_line --web-password-file "$web_password_file" && web_password=$line ;;
    esac
    web_password=$(printf %s "$web_password" | tr -d '\r')
    [ ${#web_password} -ge 8 ] || fail "the page needs a password of at least 8 characters: from the terminal," \
        "from the first line of standard input, or by --web-password-file FILE"
}

token() {
    first_line --phone-token-file "$phone_token_file" && phone_token=$line
    [ "$phone_token" ] || fail "--phone-token-file: the first line is empty; write the token into it"
    [ "$phone" ] || [ -e "$etc/$(first).phone" ] || fail "--phone-token-file goes with --phone"
}

database() {
    first_line --store "$store_file" && store=$line
    case $store in
        postgresql://* | postgres://* | sqlite:*) ;;
        *) fail "--store: the first line must be postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:FILE" ;;
    esac
}

# reads the first line of a file, or of standard input (-), into $line
first_line() {
    line=''
    if [ "$2" = - ]; then
        IFS= read -r line || true
    elif [ ! -d "$2" ] && [ -r "$2" ]; then
        IFS= read -r line <"$2" || true
    else
        case $2 in /* | ./*) file=$2 ;; *) file=... ;; esac # it may be the secret
        fail "$1 $file: there is no file that can be read"
    fi
    line=$(printf %s "$line" | tr -d '\r')
}

ask() {
    trap 'stty echo' EXIT
    trap 'exit 1' HUP INT TERM
    stty -echo # before the question: what is typed ahead must not be shown
    printf %s "$1" >&2
    IFS= read -r answer || true
    stty echo
    echo >&2
    trap - EXIT HUP INT TERM
}

# the page for the whole network, which needs a password; the password goes through a pipe, so that no list of
# processes shows it
page() {
    set -- "$1" web.enabled=true
    case $(sed -n '/^\[web\]/,/^\[[a-v]/s/^host *= *"\([^"]*\)".*/\1/p' "$etc/$1.toml" 2>/dev/null) in
        '' | 127.0.0.1 | ::1 | localhost) set -- "$@" web.host=0.0.0.0 ;; # any other is the administrator's choice
    esac
    [ -z "$web_password$dry" ] || set -- "$@" --web-password
    name=$1
    shift
    printf '%s\n' "$web_password" |
        run env STATE_DIRECTORY="$state/$name" $opt/current/bin/maskwatch set --config "$etc/$name.toml" "$@"
}

# the plain service, unless the cameras of this machine have names
plain() {
    if [ -e $etc/maskwatch.toml ] || ! named | grep -q .; then
        echo maskwatch
    fi
}

unit_of() { [ "$1" = maskwatch ] && echo maskwatch.service || echo "maskwatch@$1.service"; }

# The folders of the drop-ins by which units may use gpio or sound: those there are, and those that are asked for.
# An upgrade therefore renews them.
drop_ins() {
    {
        case " $rights " in *" $1 "*)
            for name in ${cameras:-$(plain)}; do
                echo "$units/$(unit_of "$name").d"
            done
            ;;
        esac
        find $units -mindepth 2 -maxdepth 2 -name "maskwatch-$1.conf" -printf '%h\n' 2>/dev/null
    } | sort -u
}

group_of() { [ "$1" = sound ] && echo audio || echo "$1"; }

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
        "$here/systemd/maskwatch-phone@.service" "$here/systemd/maskwatch-store@.service" \
        "$here/systemd/maskwatch-metrics@.service" $units
    for right in gpio sound; do
        for folder in $(drop_ins $right); do
            run install -D -m 644 -t "$folder" "$here/systemd/maskwatch-$right.conf"
        done
    done
    run install -m 755 "$here/systemd/maskwatch" $bin
    run systemctl daemon-reload
    for name in ${cameras:-$(plain)}; do
        run systemctl --quiet enable "$(unit_of "$name")"
        ! has phone "$phone" "$name" || run systemctl --quiet enable "maskwatch-phone@$name.service"
        ! has store "$store_file" "$name" || run systemctl --quiet enable "maskwatch-store@$name.service"
    done
    [ "$start" ] || return 0
    for unit in $(enabled); do
        # waits until it is ready; why it fails is shown below, from its log
        run systemctl reset-failed "$unit" 2>/dev/null || true
        run systemctl restart "$unit" || failed="${failed-} $unit"
    done
}

# whether the camera $3 has a service of the kind $1; $2 is what this call says of it
has() { [ -e "$etc/$3.$1" ] || { [ "$dry" ] && [ "$2" ] && [ "$3" = "$(first)" ]; }; }

enabled() {
    if [ "$dry" ]; then
        for name in ${cameras:-$(plain)}; do
            ! has phone "$phone" "$name" || echo "maskwatch-phone@$name.service"
            ! has store "$store_file" "$name" || echo "maskwatch-store@$name.service"
            unit_of "$name"
        done
    else
        linked 'maskwatch-phone@*.service' # first: a camera sends what waits only to those that have subscribed
        linked 'maskwatch-store@*.service'
        linked 'maskwatch-metrics@*.service'
        linked maskwatch.service
        named
    fi
}

finish() {
    if [ "$dry" ]; then
        for name in ${cameras:-$(plain)}; do
            run maskwatch doctor ${cameras:+--device "$name"}
        done
        return
    fi
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
    echo
    echo "Installed. What next:"
    [ -z "$web" ] || echo "  first steps       \"Set up\" on the page: its address is above, in what doctor says"
    cat <<END
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
    run systemctl stop maskwatch.service 'maskwatch@*' 'maskwatch-phone@*' 'maskwatch-store@*' 'maskwatch-metrics@*' 2>/dev/null || true
    for name in $(announced); do
        take_back "$name"
    done
    run rm -f $units/maskwatch.service $units/maskwatch@.service $bin
    run rm -f $units/maskwatch-phone@.service $units/maskwatch-store@.service $units/maskwatch-metrics@.service
    for right in gpio sound; do
        for folder in $(drop_ins $right); do
            run rm -f "$folder/maskwatch-$right.conf"
            run rmdir --ignore-fail-on-non-empty "$folder"
        done
    done
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

# the cameras that may have left messages at a broker, also those whose settings are gone
announced() {
    {
        find $etc -name '*.toml' -printf '%f\n' 2>/dev/null | sed 's/\.toml$//'
        find $state -mindepth 2 -maxdepth 2 -name announced.json -printf '%h\n' 2>/dev/null | sed 's#.*/##'
    } | grep -x '[a-z0-9_-]\{1,64\}' | sort -u # the service may have made folders of any name
}

# while the program that can do it is still there; a broker that cannot be reached does not keep anything from being removed
take_back() {
    set -- "$1"
    [ "$1" = maskwatch ] || set -- "$1" --device "$1"
    name=$1
    shift
    if [ "$dry" ]; then
        run maskwatch forget "$@"
        return
    fi
    [ -x $bin ] && [ -x $opt/current/bin/maskwatch ] || return 0
    result=$(timeout 120 $bin forget "$@" 2>&1) || true
    case $result in
        *'name the broker'*) ;; # none was ever configured
        *) printf '%s\n' "$result" | grep -v '^INFO' || true ;;
    esac
}

main "$@"
