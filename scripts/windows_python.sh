#!/usr/bin/env bash
# Create a Windows Python on Linux: windows_python.sh FOLDER HOST_PYTHON chroot|machine [TORCH_VERSION]...
#
# FOLDER/wpy runs it under Wine: os.name is "nt", CreateProcess starts processes, cmd.exe runs batch files. The
# interpreter's DLL and extension modules come from a PyPI wheel that contains them; the standard library is that of
# HOST_PYTHON (3.11 or 3.12, with pip); python.exe is compiled here. Nothing else is needed beyond Debian and PyPI.
#
# chroot: Wine 10 from Debian trixie in FOLDER/root; as root, with the right to mount. Only with it can there be torch:
# `TORCH=VERSION FOLDER/wpy` runs a virtual environment with the Windows wheels of torch, Lightning and MuJoCo.
# machine: the machine's own Wine, which apt-get installs if it is missing.
#
# The first call takes 3 to 7 minutes and 4 GB with one torch, 80 s on the machine's Wine; later ones 1 s unless this
# script or constraints.txt changed. Setups exclude each other, and runs of FOLDER/wpy.
set -euo pipefail

usage="usage: windows_python.sh FOLDER HOST_PYTHON chroot|machine [TORCH_VERSION]..."
folder=$(mkdir -p "${1:?$usage}" && cd "$1" && pwd)
host=${2:?$usage}
place=${3:?$usage}
torches=("${@:4}")
root=$(cd "$(dirname "$0")/.." && pwd)
work=$folder/python/work
log=$folder/setup.log
# this release of panda3d contains CPython 3.11.7 and 3.12.1 for Windows
carrier=panda3d==1.10.14
# Wine lacks functions of the C runtime that numpy 2 calls; typer 0.29 needs a native package
packages=(pip pytest pytest-timeout pytest-xdist hypothesis jsonschema psutil "typer<0.29" rich colorama platformdirs
  PyYAML packaging jinja2 omegaconf hydra-core "numpy<2" distributed)
# pip evaluates the markers of requirements for this machine, so that torch would want NCCL: these are installed without
# their requirements, which are among the others.
bare=(lightning pytorch-lightning lightning-utilities torchmetrics)
whole=(mujoco matplotlib "numpy<2" filelock typing-extensions sympy networkx jinja2 fsspec tqdm packaging PyYAML
  "setuptools<81")

say() { echo "-- $*" >&2; }
fail() { say "$*"; exit 1; }
logged() { "$@" >>"$log" 2>&1 || { tail -5 "$log" >&2; fail "$1 failed; see $log"; }; }

version=$("$host" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
  3.11 | 3.12) short=${version/./} ;;
  *) fail "A Windows Python is made from Python 3.11 or 3.12; $host is $version." ;;
esac
prefix=$folder/python/prefix
drive=$prefix/drive_c
home=$drive/py$short

# hashes of everything that the Windows Python and its wheels are made from; a different one makes them anew
stamp=$(cat "$0" "$root/constraints.txt" | sha256sum | cut -c1-16)
wheels_stamp=$({ cat "$root/constraints.txt"; echo "$version ${bare[*]} ${whole[*]}"; } | sha256sum | cut -c1-16)
made() { [ "$(cat "$1/.made" 2>/dev/null)" = "${2:-$stamp}" ]; }
complete() {
  made "$home" || return 1
  for torch in "${torches[@]}"; do
    { made "$folder/site" "$wheels_stamp" && made "$drive/torch-$torch"; } || return 1
  done
}

if complete; then exit 0; fi
mkdir -p "$work"
exec 9>"$folder/.lock"
flock --nonblock 9 || { say "waiting for other runs of $folder"; flock 9; }
if complete; then exit 0; fi # another start has just done it

make_debian() {
  say "installing Debian trixie with Wine 10 and a compiler for Windows programs"
  rm -rf "$folder/root"
  export DEBIAN_FRONTEND=noninteractive
  if ! command -v debootstrap >/dev/null; then
    logged apt-get update -qq
    logged apt-get install -y -qq --no-install-recommends debootstrap debian-archive-keyring
  fi
  local archive
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 -E '/debian/?$') ||
    archive=http://deb.debian.org/debian
  logged debootstrap --variant=minbase --include=ca-certificates trixie "$folder/root" "$archive"
  # the machine's proxies and certificates
  apt-config dump | grep -iE '^Acquire::(http|https|Retries|Check)' >"$folder/root/etc/apt/apt.conf.d/90machine" || true
  cp /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/" 2>/dev/null || true
  echo force-unsafe-io >"$folder/root/etc/dpkg/dpkg.cfg.d/90fast"
  logged inside apt-get update -qq
  logged inside apt-get install -y -qq --no-install-recommends wine wine64 gcc-mingw-w64-x86-64-win32
  touch "$folder/root/.made"
}

# FOLDER/inside runs a command where Wine is
if [ "$place" = chroot ]; then
  cat >"$folder/inside" <<'EOS'
#!/usr/bin/env bash
# Run a command in the chroot beside this file, with the machine's folders under their own names. The mounts are those
# of this one process. /sys is not among them: Wine would report its NUMA nodes, and then torch's OpenMP calls a
# function that Wine lacks.
export INSIDE_ROOT INSIDE_CWD=$PWD
INSIDE_ROOT=$(dirname "$(readlink -f "$0")")/root
exec unshare --mount --propagation private bash -c '
  into() { mkdir -p "$INSIDE_ROOT$1" && mount --rbind "$1" "$INSIDE_ROOT$1" || exit 125; }
  for folder in /*; do
    case $folder in /bin | /sbin | /lib* | /usr | /etc | /var | /boot | /sys | /run | /lost+found) continue ;; esac
    if [ -d "$folder" ] && [ ! -L "$folder" ]; then into "$folder"; fi
  done
  [ -d "$INSIDE_ROOT$INSIDE_CWD" ] || into "$INSIDE_CWD"
  if [ -e /etc/resolv.conf ]; then
    touch "$INSIDE_ROOT/etc/resolv.conf"
    mount --bind "$(readlink -f /etc/resolv.conf)" "$INSIDE_ROOT/etc/resolv.conf"
  fi
  export PATH=/usr/lib/wine:/usr/bin:/bin:/usr/sbin:/sbin
  exec chroot "$INSIDE_ROOT" /bin/sh -c "cd \"\$0\" && exec \"\$@\"" "$INSIDE_CWD" "$@"
' inside "$@"
EOS
else
  printf '#!/bin/sh\nexec "$@"\n' >"$folder/inside"
fi
chmod +x "$folder/inside"
# without the lock, which Wine's server would hold for as long as it lives
inside() { "$folder/inside" "$@" 9>&-; }

have_tools() { command -v wine && command -v wineserver && command -v x86_64-w64-mingw32-gcc; } >/dev/null
if [ "$place" = chroot ]; then
  [ -e "$folder/root/.made" ] || make_debian
elif ! have_tools; then
  say "installing Wine and a compiler for Windows programs"
  export DEBIAN_FRONTEND=noninteractive
  logged apt-get update -qq
  logged apt-get install -y -qq --no-install-recommends wine wine64 gcc-mingw-w64-x86-64
  have_tools || fail "apt-get installed Wine, but its programs are not on PATH."
fi

# torch's OpenMP library and numpy's meet in one process
cat >"$folder/wine.env" <<EOS
export WINEPREFIX='$prefix' WINEARCH=win64 WINEDEBUG=-all KMP_DUPLICATE_LIB_OK=TRUE
export WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe,winedbg.exe='
unset DISPLAY WAYLAND_DISPLAY
EOS
# shellcheck source=/dev/null
. "$folder/wine.env"

# Output goes through a pipe because Windows Python under Wine cannot write to a redirected Linux file. The server
# starts first: its services would otherwise inherit the pipe, and `cat` would wait for them.
cat >"$folder/python/run" <<EOS
#!/usr/bin/env bash
. '$folder/wine.env'
python=py$short
[ -z "\${TORCH:-}" ] || python="torch-\$TORCH\\Scripts"
exec '$folder/inside' bash -c '
  if wineserver -p120 2>/dev/null; then wine cmd /c exit </dev/null >/dev/null 2>&1; fi
  wine "\$0" "\$@" </dev/null 2>&1 | cat
  exit "\${PIPESTATUS[0]}"
' "C:\\\\\$python\\\\python.exe" "\$@"
EOS
cat >"$folder/wpy" <<EOS
#!/usr/bin/env bash
# The Windows Python: [TORCH=VERSION] wpy ARGUMENT... The lock keeps setups away while it runs.
exec 9<'$folder/.lock'
flock --shared 9
'$folder/python/run' "\$@" 9<&-
EOS
chmod +x "$folder/python/run" "$folder/wpy"

make_prefix() {
  if [ ! -f "$prefix/system.reg" ]; then
    say "creating a Wine prefix"
    inside wine wineboot -i </dev/null >/dev/null 2>&1
  fi
  inside wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f </dev/null >/dev/null 2>&1
  # Wine 10 asks its mount manager, another process, for the volume at each stat of a file, which takes ten times as
  # long as without it. Without it every st_dev is 0, and there is no list of drives.
  [ "$place" = machine ] ||
    inside wine reg add 'HKLM\System\CurrentControlSet\Services\MountMgr' /v Start /t REG_DWORD /d 4 /f </dev/null \
      >/dev/null 2>&1
  inside wineserver -k
  inside wineserver -w
}

# the options of pip that stand for the Windows Python
for_windows=(--quiet --disable-pip-version-check --platform win_amd64 --python-version "$version" --implementation cp
  --only-binary=:all:)

fetch_carrier() {
  say "fetching the Windows build of Python $version"
  logged "$host" -m pip download --no-deps --dest "$work" "${for_windows[@]}" "$carrier"
}

unpack_python() {
  rm -rf "$home"
  mkdir -p "$home/DLLs" "$home/Lib/site-packages"
  "$host" - "$work"/panda3d-*-cp"$short"-cp"$short"-win_amd64.whl "$home" "$short" <<'EOP'
import pathlib, platform, re, sys, zipfile

wheel, home, short = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
# Wine 8 crashes in _wmi; platform.py falls back to other sources
unwanted = {"_tkinter.pyd", "_wmi.pyd"}
wanted = re.compile(r".*\.pyd|(libffi-\d+|libcrypto-.*|libssl-.*|sqlite3)\.dll")
with zipfile.ZipFile(wheel) as carrier:
    for member in carrier.namelist():
        if not member.startswith("deploy_libs/"):
            continue
        name = member.split("/", 1)[1]
        if name == f"python{short}.dll":
            library = carrier.read(member)
            (home / name).write_bytes(library)
            tag = re.search(rb"tags/v([0-9.]+)", library)[1].decode()
            if tag != platform.python_version():
                print(f"-- Python {tag} with the standard library of {platform.python_version()}", file=sys.stderr)
        elif wanted.fullmatch(name) and name not in unwanted:
            (home / "DLLs" / name).write_bytes(carrier.read(member))
EOP
  local library
  library=$("$host" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  tar cf - -C "$library" --exclude=lib-dynload --exclude=site-packages --exclude=dist-packages --exclude=__pycache__ \
    --exclude=sitecustomize.py --exclude='config-*' --exclude='_sysconfigdata*' --exclude=./test --exclude=./idlelib \
    --exclude=./lib2to3 --exclude=./turtledemo --exclude=./tkinter --exclude=./ensurepip --exclude='*.so' . | tar xf - -C "$home/Lib"
}

compile_programs() {
  say "compiling python.exe"
  # like the real one: no wildcard expansion, and aware of long paths
  cat >"$work/python.c" <<'EOC'
#include <windows.h>
#include <stdio.h>
int _dowildcard = 0;
int wmain(int count, wchar_t **words) {
    HMODULE library = LoadLibraryW(PYTHON_DLL);
    if (!library) { fprintf(stderr, "no python dll: error %lu\n", GetLastError()); return 101; }
    int (*run)(int, wchar_t **) = (void *)GetProcAddress(library, "Py_Main");
    return run ? run(count, words) : 102;
}
EOC
  cat >"$work/python.manifest" <<'EOC'
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
 <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1"><application>
  <supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/></application></compatibility>
 <application xmlns="urn:schemas-microsoft-com:asm.v3"><windowsSettings>
  <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
 </windowsSettings></application>
</assembly>
EOC
  echo "1 24 \"$work/python.manifest\"" >"$work/python.rc"
  inside x86_64-w64-mingw32-windres "$work/python.rc" -o "$work/python.res.o"
  inside x86_64-w64-mingw32-gcc -O1 -s -municode -DPYTHON_DLL="L\"python$short.dll\"" "$work/python.c" "$work/python.res.o" \
    -o "$home/python.exe"

  # python3.dll, which stable-ABI extension modules (psutil) link to: it forwards every name to python3XX.dll
  { echo "LIBRARY python3.dll"; echo EXPORTS; exported_names | sed "s/.*/  & = python$short.&/"; } >"$work/python3.def"
  echo 'int __stdcall DllMainCRTStartup(void *h, unsigned r, void *p) { return 1; }' >"$work/empty.c"
  inside x86_64-w64-mingw32-gcc -shared -nostdlib -s "$work/empty.c" "$work/python3.def" -o "$home/python3.dll"

  # Wine 8 lacks this source of random numbers in Rust extensions (jsonschema's rpds)
  [ ! -e "$drive/windows/system32/bcryptprimitives.dll" ] || return 0
  cat >"$work/random.c" <<'EOC'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
    return SystemFunction036(bytes, (ULONG)count);
}
EOC
  inside x86_64-w64-mingw32-gcc -shared -s -O1 "$work/random.c" -ladvapi32 -o "$drive/windows/system32/bcryptprimitives.dll"
}

exported_names() {
  inside x86_64-w64-mingw32-objdump -p "$home/python$short.dll" | sed -n '/Ordinal\/Name Pointer/,$p' |
    grep -oE '\b_?Py[A-Za-z0-9_]+$' | sort -u
}

install_packages() {
  say "installing packages"
  # the only package without a wheel; it is pure Python
  logged "$host" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" \
    antlr4-python3-runtime==4.9.3
  wheels "$home/Lib/site-packages" "${packages[@]}"
}

wheels() { # FOLDER REQUIREMENT...
  grep -v '^numpy' "$root/constraints.txt" | grep -v '^torch=' >"$work/constraints.txt"
  logged "$host" -m pip install --upgrade --find-links "$work" -c "$work/constraints.txt" "${for_windows[@]}" \
    --target "$@"
}

# Each torch has a folder of its own, and a virtual environment that adds it to everything else.
install_torch() { # VERSION
  local torch=$folder/torch-$1 environment=$drive/torch-$1 z=Z:${folder//\//\\}
  if [ ! -e "$torch/.made" ]; then
    say "installing the Windows wheel of torch $1"
    rm -rf "$torch"
    wheels "$torch" --no-deps "torch==$1"
    touch "$torch/.made"
  fi
  rm -rf "$environment"
  mkdir -p "$environment/Scripts" "$environment/Lib/site-packages"
  cp "$home"/*.exe "$home"/*.dll "$environment/Scripts"
  printf '%s\r\n' "home = C:\\py$short" "include-system-site-packages = false" "version = $version" \
    >"$environment/pyvenv.cfg"
  printf '%s\r\n' "$z\\torch-$1" "$z\\site" "C:\\py$short\\Lib\\site-packages" \
    >"$environment/Lib/site-packages/wheels.pth"
  echo "$stamp" >"$environment/.made"
}

install_site() {
  say "installing Windows wheels of Lightning, MuJoCo and matplotlib"
  rm -rf "$folder/site"
  wheels "$folder/site" "${whole[@]}"
  wheels "$folder/site" --no-deps "${bare[@]}"
  rm -rf "$folder"/site/numpy* # that of the Windows Python
  echo "$wheels_stamp" >"$folder/site/.made"
}

if ! made "$home"; then
  make_prefix
  ls "$work"/panda3d-*-cp"$short"-*.whl >/dev/null 2>&1 || fetch_carrier
  unpack_python
  compile_programs
  install_packages
  "$folder/python/run" -c 'import ctypes, hydra, hypothesis, jsonschema, numpy, os, psutil, pytest, pytest_timeout, rich
import sqlite3, ssl, typer, xdist
assert os.name == "nt"' 9>&- ||
    fail "The Windows Python does not run."
  echo "$stamp" >"$home/.made"
fi
[ "${#torches[@]}" = 0 ] || made "$folder/site" "$wheels_stamp" || install_site
for torch in "${torches[@]}"; do
  made "$drive/torch-$torch" || install_torch "$torch"
done
