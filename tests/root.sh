# For scripts that need another Debian than this machine's: a folder with one, made by debootstrap. To be sourced.
mirror=http://deb.debian.org/debian

fail() { echo "$(basename "$(dirname "$0")"): $*" >&2 && exit 1; }

# need_root: what everything below needs
need_root() {
    [ "$(id -u)" = 0 ] || fail "needs root, for a Debian in a folder: run it with sudo"
    command -v debootstrap >/dev/null || fail "needs debootstrap: sudo apt install debootstrap"
}

# new_root FOLDER LOG: a Debian trixie, which has Python 3.13
new_root() {
    rm -rf "$1" && mkdir -p "$1"
    debootstrap --variant=minbase --include=ca-certificates trixie "$1" $mirror >"$2" 2>&1 ||
        fail "Debian cannot be had from $mirror; see $2"
    mkdir -p "$1/src" && touch "$1/etc/resolv.conf"
}

# inside FOLDER SOURCE COMMAND [ARGUMENT ...]: runs a shell command there, with SOURCE as /src and this machine's
# network, in a mount namespace that ends with the command
inside() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount bash -euc '
        root=$1 source=$2 && shift 2
        mount --bind /proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --bind "$source" "$root/src"
        mount --bind /etc/ssl/certs "$root/etc/ssl/certs" && mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
        exec chroot "$root" /bin/bash -euc "$@"' -- "$@"
}
