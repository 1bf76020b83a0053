# shellcheck shell=bash
# Finds the tools that a build needs, and installs those that are missing. Sourced by ../understudy.
# Sets: dotnet, sdks (the SDK versions found), torch_config (the path of TorchConfig.cmake).

torch_config=''

# The first dotnet with an SDK of version 10 or later.
find_dotnet() {
    local candidate
    for candidate in "${DOTNET_ROOT:+$DOTNET_ROOT/dotnet}" "$(command -v dotnet || true)" \
        "$HOME/.dotnet/dotnet" /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet; do
        [ -x "$candidate" ] || continue
        local folder
        folder=$(dirname -- "$(readlink -f -- "$candidate")")/sdk
        # The folder's names cost a millisecond, asking dotnet a tenth of a second; only wrappers have no such folder.
        if [ -d "$folder" ]; then
            sdks=$(cd -- "$folder" && printf '%s ' *)
        else
            sdks=$("$candidate" --list-sdks 2>/dev/null | cut -d' ' -f1 | tr '\n' ' ') || continue
        fi
        if [[ " $sdks" =~ \ [1-9][0-9]\.[0-9] ]]; then
            dotnet=$candidate
            return 0
        fi
    done
    return 1
}

torch_config_under() {
    local file
    for file in "$1"/share/cmake/Torch/TorchConfig.cmake "$1"/lib/*/cmake/Torch/TorchConfig.cmake \
        "$1"/lib64/cmake/Torch/TorchConfig.cmake "$1"/lib/cmake/Torch/TorchConfig.cmake; do
        if [ -f "$file" ]; then
            torch_config=$file
            return 0
        fi
    done
    return 1
}

# LIBTORCH if set, else the system's. A LIBTORCH that is wrong ends the launcher: never build against another one.
# With UNDERSTUDY_NATIVE there is nothing to build against.
find_libtorch() {
    local folder guess hint=''
    if [ -n "${UNDERSTUDY_NATIVE:-}" ]; then
        [ -e "$UNDERSTUDY_NATIVE" ] || die 2 "UNDERSTUDY_NATIVE is '$UNDERSTUDY_NATIVE', and there is no such file or folder." \
            'Set it to a libunderstudy_native.so or to the folder that holds it, or unset it to have it built.'
        return
    fi
    if [ -z "${LIBTORCH:-}" ]; then
        torch_config_under /usr/local || torch_config_under /usr
        return
    fi
    [ -d "$LIBTORCH" ] || die 2 "LIBTORCH is '$LIBTORCH', and there is no such folder." \
        "Set it to an unpacked libtorch, or unset it to use the system's libtorch-dev."
    folder=$(CDPATH='' cd -P -- "$LIBTORCH" && pwd)
    torch_config_under "$folder" && return
    for guess in "$folder"/torch "$folder"/libtorch "$folder"/lib/python3*/site-packages/torch; do
        if [ -f "$guess/share/cmake/Torch/TorchConfig.cmake" ]; then hint=" Did you mean '$guess'?"; fi
    done
    die 2 "LIBTORCH is '$LIBTORCH', but that folder holds no share/cmake/Torch/TorchConfig.cmake.$hint" \
        "Set it to an unpacked libtorch, or to what python3 -c 'import torch; print(torch.__path__[0])' prints."
}

# Debian's libtorch-dev pulls in the reference BLAS, dozens of times slower than OpenBLAS, which takes its place once
# installed. The OpenMP flavour shares its threads with libtorch; the other one would fight it for the cores.
has_reference_blas() {
    local library
    for library in /usr/lib/*/libblas.so.3; do
        [ -e "$library" ] && [[ $(readlink -f -- "$library") == */blas/libblas.so.3* ]] && return 0
    done
    return 1
}

# oneDNN's headers: with them the matrix products of a training are made by oneDNN directly, up to twice as fast.
# Processors other than x86 have little of it.
lacks_onednn() {
    local folder folders
    [ "$(uname -m)" = x86_64 ] || return 1
    # As CMake looks for them; a path that is set stands for the system's.
    IFS=: read -ra folders <<<"${CMAKE_INCLUDE_PATH:-/usr/include:/usr/local/include}"
    for folder in "${folders[@]}"; do
        [ ! -e "$folder/dnnl.hpp" ] || return 1
    done
}

# Sets `missing` (for people) and `packages` (for apt-get).
find_missing() {
    missing=()
    packages=()
    local command compiler=${CXX:-c++}
    find_dotnet || { missing+=('.NET SDK 10') && packages+=(dotnet-sdk-10.0); }
    if [ -z "${UNDERSTUDY_NATIVE:-}" ]; then
        find_libtorch || { missing+=(libtorch) && packages+=(libtorch-dev libopenblas0-openmp libdnnl-dev); }
        command -v cmake >/dev/null || { missing+=(CMake) && packages+=(cmake); }
        command -v make >/dev/null || { missing+=(make) && packages+=(make); }
        command -v "${compiler%% *}" >/dev/null || { missing+=('a C++ compiler') && packages+=(g++); }
    fi
    for command in awk:mawk find:findutils; do
        command -v "${command%:*}" >/dev/null || { missing+=("${command%:*}") && packages+=("${command#*:}"); }
    done
}

as_root=()
may_install() {
    [ "${UNDERSTUDY_NO_INSTALL:-0}" = 0 ] || return 1
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" != 0 ] || return 0
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
}

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

install_packages() {
    # Stale lists name versions that the mirror no longer has; a mirror that is down may still have what we need cached.
    apt -q update || true
    apt install -q -y --no-install-recommends "$@"
}

# Leaves with code 3 unless everything needed is there afterwards.
require_tools() {
    find_missing
    if [ ${#missing[@]} -gt 0 ]; then
        may_install || say_what_to_install
        if [[ " ${packages[*]} " == *' dotnet-sdk-10.0 '* ]]; then
            [ -n "$(apt-cache show dotnet-sdk-10.0 2>/dev/null)" ] || apt -qq update >/dev/null 2>&1 || true
            [ -n "$(apt-cache show dotnet-sdk-10.0 2>/dev/null)" ] || say_what_to_install
        fi
        step "Installing ${packages[*]}" install_packages "${packages[@]}" || {
            say_log_tail
            say_what_to_install
        }
        find_missing
        [ ${#missing[@]} -eq 0 ] || say_what_to_install
    fi
    if [ -z "${UNDERSTUDY_NATIVE:-}" ] && lacks_onednn; then
        if may_install; then step 'Installing libdnnl-dev' install_packages libdnnl-dev || true; fi
        ! lacks_onednn || say "warning: oneDNN's headers (libdnnl-dev) are not there: training works, and takes up to twice as long." \
            "Install libdnnl-dev, then run the same command again."
    fi
    if [ -z "${LIBTORCH:-}${UNDERSTUDY_NATIVE:-}" ] && has_reference_blas; then
        if may_install; then step 'Installing libopenblas0-openmp' install_packages libopenblas0-openmp || true; fi
        ! has_reference_blas || say "warning: libblas.so.3 is the reference BLAS, dozens of times slower than OpenBLAS." \
            "Install libopenblas0-openmp, or choose it with: update-alternatives --config libblas.so.3-$(uname -m)-linux-gnu"
    fi
}

not_linux() {
    say "Understudy runs on Linux; this is $(uname -s). In a container, from this folder:"
    printf '    docker run --rm -it -v "$PWD":/understudy -w /understudy mcr.microsoft.com/dotnet/sdk:10.0 ./understudy demo\n' >&2
    exit 3
}

say_what_to_install() {
    local list=${missing[*]/%/,} apt_packages=() package dotnet_by_hand=false like=''
    say "missing: ${list%,}. Please install:"
    for package in "${packages[@]}"; do
        if [ "$package" = dotnet-sdk-10.0 ] && [ -z "$(apt-cache show dotnet-sdk-10.0 2>/dev/null)" ]; then
            dotnet_by_hand=true
        else
            apt_packages+=("$package")
        fi
    done
    if command -v apt-get >/dev/null; then
        [ ${#apt_packages[@]} -eq 0 ] || printf '    %s\n' \
            "sudo apt-get update && sudo apt-get install -y ${apt_packages[*]}" >&2
    else
        if [ -r /etc/os-release ]; then like=$(. /etc/os-release && printf '%s' "${ID:-} ${ID_LIKE:-}"); fi
        case " $like " in
            *' fedora '* | *' rhel '*) printf '    sudo dnf install cmake make gcc-c++ util-linux gawk findutils\n' ;;
            *' arch '*) printf '    sudo pacman -S --needed cmake make gcc util-linux gawk findutils\n' ;;
            *' suse '* | *' opensuse '*) printf '    sudo zypper install cmake make gcc-c++ util-linux gawk findutils\n' ;;
            *) printf '    CMake 3.18 or later, make, a C++17 compiler, flock (util-linux), awk, find\n' ;;
        esac >&2
        [[ " ${missing[*]} " != *' libtorch '* ]] || printf '    %s\n' \
            "libtorch 2.x: unpack it from https://pytorch.org/get-started/locally/ (C++/Java), or take a Python environment's:" \
            "    export LIBTORCH=\"\$(python3 -c 'import torch; print(torch.__path__[0])')\"" >&2
    fi
    if [ "$dotnet_by_hand" = true ]; then
        printf '    %s\n' "the .NET SDK 10.0 from https://dotnet.microsoft.com/download/dotnet/10.0, for example into ~/.dotnet, where it is found:" \
            '    curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0' >&2
    fi
    say 'Then run the same command again.'
    exit 3
}
