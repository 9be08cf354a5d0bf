# shellcheck shell=bash
# Where the virtual environments of this tree are, and how one is made on first use.
# To be sourced by scripts/*; sets `tree`. They lie in the user's own cache, so a read-only tree
# will do, and two users of one tree do not meet.

tree=$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd -P)

complain() { # MESSAGE HINT
    printf 'b2p: %s\n  %s\n' "$1" "$2" >&2
    exit 125
}

# The first Python that is new enough and can make virtual environments.
find_python() {
    local candidate ask='import sys, venv; raise SystemExit(sys.version_info < (3, 11))'
    for candidate in ${B2P_PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -I -c "$ask" >/dev/null 2>&1; then
            python=$candidate
            return
        fi
    done
    if [ -n "${B2P_PYTHON:-}" ]; then
        complain "B2P_PYTHON='$B2P_PYTHON' is no Python 3.11 or newer with its venv module" \
            "set it to one that is, or unset it"
    fi
    complain "no Python 3.11 or newer with its venv module was found" \
        "install one (Debian: python3 and python3-venv; macOS: brew install python), or set B2P_PYTHON"
}

# Sets `venv` to the environment of that kind ("run" or "test"), making it when it is not there.
# Its name holds a checksum of all that decides what is in it, so nothing has to be asked later.
find_venv() { # KIND
    local kind=$1 sum cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    [ -n "$cache" ] || complain "neither HOME nor XDG_CACHE_HOME is set" "set HOME to your home"
    sum=$(cksum <<<"$tree ${B2P_PYTHON:-} $(<"$tree/pyproject.toml")")
    venv=$cache/b2p/venv-$kind-${sum// /-}
    [ -x "$venv/bin/python" ] && return
    find_python
    "$python" -I "$tree/scripts/lib/make_venv.py" "$kind" "$tree" "$venv" || exit
}

# Options of Python: bytecode of a tree that somebody else owns goes to the user's cache.
python_options() {
    options=(-I)
    [ -O "$tree/b2p" ] || options+=(-X "pycache_prefix=$venv/pycache")
}
