# shellcheck shell=bash
# Builds what has changed. Sourced by ../understudy.
# Sets: program (the folder of the built program for the present sources and tools).

log=$build/build.log
native=$build/native

# One line per file: its hash and its name. Contents, not times, so that a checkout back and forth builds once.
hash_files() {
    find "$@" -type d \( -name bin -o -name obj \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
}

# What the native library and the program depend on, as two short hashes: native_stamp and program_stamp.
fingerprint() {
    pushd "$root" >/dev/null
    local file settings=() libraries onednn=oneDNN
    ! lacks_onednn || onednn=''
    for file in Directory.Build.props Directory.Build.targets Directory.Packages.props NuGet.config nuget.config global.json; do
        if [ -e "$file" ]; then settings+=("$file"); fi
    done
    libraries=${torch_config%/*/*/*}
    native_stamp=$({
        hash_files native
        printf '%s\n' "$torch_config" "${UNDERSTUDY_NATIVE:-}" "${CXX:-}" "${CXXFLAGS:-}" "$onednn"
        stat -L -c '%n %s %Y' -- "$libraries"/libtorch_cpu.so "${libraries%/*}"/lib*/libtorch_cpu.so 2>/dev/null || true
    } | sha256sum | cut -c1-16)
    program_stamp=$({
        hash_files src "${settings[@]}"
        printf '%s\n' "$native_stamp" "$dotnet" "$sdks"
    } | sha256sum | cut -c1-16)
    popd >/dev/null
    program=$build/program/$program_stamp
}

# step TEXT COMMAND...: one line with the time taken; the command's output goes to the log.
step() {
    local text=$1 started=${EPOCHREALTIME//[!0-9]/} status=0
    shift
    printf 'understudy: %s ...' "$text" >&2
    mkdir -p -- "$build"
    printf '\n== %s: %s\n' "$text" "$*" >>"$log"
    step_starts_at=$(wc -l <"$log")
    # The lock must not live on in a server that a build tool leaves behind.
    "$@" >>"$log" 2>&1 </dev/null 9>&- || status=$?
    local tenths=$(((${EPOCHREALTIME//[!0-9]/} - started) / 100000))
    if [ "$status" -eq 0 ]; then
        printf ' %d.%d s\n' $((tenths / 10)) $((tenths % 10)) >&2
    else
        printf ' failed after %d.%d s\n' $((tenths / 10)) $((tenths % 10)) >&2
    fi
    return "$status"
}

say_log_tail() {
    say "the end of $log:"
    tail -n "+$step_starts_at" -- "$log" | tail -n 40 | sed 's/^/    /' >&2
}

# build_step TEXT CURE COMMAND...
build_step() {
    local text=$1 cure=$2
    shift 2
    step "$text" "$@" && return
    say_log_tail
    if tail -n "+$step_starts_at" -- "$log" | grep -q -E 'error NU(1301|1101|1102|1103|1100)|Unable to load the service index'; then
        cure='NuGet could not deliver the packages named in Directory.Packages.props. Check the network, a proxy (HTTPS_PROXY) and the sources that "dotnet nuget list source" lists, then run the same command again.'
    fi
    die 1 "$cure"
}

# A compiler that runs libtorch's headers takes about 1.5 GiB.
jobs_that_fit() {
    local cores memory
    cores=$(nproc 2>/dev/null || echo 2)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo 2>/dev/null || echo 2)
    [ "${memory:-0}" -ge 1 ] || memory=1
    echo $((memory < cores ? memory : cores))
}

configure_native() {
    local options=(-S "$root/native" -B "$native" -DCMAKE_BUILD_TYPE=Release)
    if [ -n "${LIBTORCH:-}" ]; then
        options+=("-DCMAKE_PREFIX_PATH=$(CDPATH='' cd -P -- "$LIBTORCH" && pwd)")
    fi
    cmake "${options[@]}"
}

build_native() {
    [ -z "${UNDERSTUDY_NATIVE:-}" ] || return 0
    [ "$(cat -- "$native/.stamp" 2>/dev/null)" != "$native_stamp" ] || return 0
    # Another libtorch or compiler: CMake's cache would keep the old one. Killed half-way: an object file may be cut off.
    local tools="$torch_config ${CXX:-} ${CXXFLAGS:-}"
    if [ -e "$native/.unfinished" ] || [ "$(cat -- "$native/.tools" 2>/dev/null)" != "$tools" ]; then
        rm -rf -- "$native"
    fi
    mkdir -p -- "$native"
    touch -- "$native/.unfinished"
    rm -f -- "$native/.stamp"
    printf '%s\n' "$tools" >"$native/.tools"
    local cure='The native library did not build. If libtorch was just updated or removed, delete .build and try again; otherwise please report the log.'
    build_step 'Configuring the native library' "$cure" configure_native
    build_step "Compiling the native library ($(sed -n 's/^-- \(libtorch [^ ]* ([A-Z]*)\).*/\1/p' "$log" | tail -n 1))" "$cure" \
        cmake --build "$native" --parallel "${UNDERSTUDY_JOBS:-$(jobs_that_fit)}"
    rm -f -- "$native/.unfinished"
    printf '%s\n' "$native_stamp" >"$native/.stamp"
}

# dotnet_build TEXT PROJECT: restore and build. A build that was killed leaves assemblies cut off but newer than their
# sources, which an incremental build would take for finished.
dotnet_build() {
    if [ -e "$build/.unfinished" ]; then
        find "$root/src" "$root/tests" -type d \( -name bin -o -name obj \) -prune -exec rm -rf -- {} +
    fi
    touch -- "$build/.unfinished"
    build_step "Restoring packages for $1" "The packages could not be restored." \
        "$dotnet" restore "$2" -v q --disable-build-servers
    build_step "Building $1" "The program did not build; the errors are above." \
        "$dotnet" build "$2" -c Release --no-restore -v q --disable-build-servers
    rm -f -- "$build/.unfinished"
}

publish_program() {
    "$dotnet" publish "$root/src/Understudy.Cli/Understudy.Cli.csproj" -c Release --no-build -v q \
        --disable-build-servers -o "$program.partial"
    # The program finds a library named in UNDERSTUDY_NATIVE by itself.
    [ -n "${UNDERSTUDY_NATIVE:-}" ] || cp -- "$native/libunderstudy_native.so" "$program.partial"
    touch -- "$program.partial/.complete"
    mv -T -- "$program.partial" "$program"
}

# Every version lies in its own folder, so that a build never overwrites the files of a run that is under way.
# A running program holds a shared lock on its folder; what nobody holds and nobody needs goes.
remove_old_programs() {
    local folder
    for folder in "$build"/program/*; do
        if [ "$folder" = "$program" ] || [ ! -d "$folder" ]; then continue; fi
        if [ ! -e "$folder/.complete" ]; then
            rm -rf -- "$folder"
            continue
        fi
        (
            exec 8<"$folder/.complete"
            if flock -n -x 8; then rm -rf -- "$folder"; fi
        )
    done
}

lock_build() {
    [ "$(uname -s)" = Linux ] || not_linux
    command -v flock >/dev/null || die 3 'missing: flock. Please install the package util-linux.'
    mkdir -p -- "$build" || die 2 "cannot write to $build: the build needs a project folder that it may write to."
    exec 9>"$build/lock"
    flock -n 9 && return
    say 'waiting for another build in this folder ...'
    flock 9
}

# Takes the lock, begins a new log and sees to the tools.
begin_build() {
    lock_build
    printf 'Understudy build log\n' >"$log"
    require_tools
}

# Afterwards `program` is complete.
prepare() {
    if find_dotnet && find_libtorch; then
        fingerprint
        [ ! -e "$program/.complete" ] || return 0
    fi
    begin_build
    fingerprint
    if [ ! -e "$program/.complete" ]; then
        build_native
        dotnet_build 'the program' "$root/src/Understudy.Cli/Understudy.Cli.csproj"
        mkdir -p -- "$build/program"
        rm -rf -- "$program.partial"
        build_step 'Publishing the program' 'The program could not be put together.' publish_program
        remove_old_programs
    fi
    exec 9>&-
}

# launch ARGUMENTS...: becomes the program. Descriptor 8 carries the lock that keeps its folder from being removed.
launch() {
    local settings
    exec 8<"$program/.complete"
    flock -s 8
    settings=("$program"/*.runtimeconfig.json)
    # The program names itself as it was called where it says what to type next.
    UNDERSTUDY_COMMAND=$0 exec "$dotnet" "${settings[0]%.runtimeconfig.json}.dll" "$@"
}
