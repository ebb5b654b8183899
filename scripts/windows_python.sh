#!/usr/bin/env bash
# Create a Windows Python on Linux: windows_python.sh FOLDER [HOST_PYTHON]
#
# FOLDER/wpy runs it under Wine: os.name is "nt", CreateProcess starts processes, cmd.exe runs batch files. The
# interpreter's DLL and extension modules come from a PyPI wheel that contains them; the standard library is that of
# HOST_PYTHON (3.11 or 3.12, with pip); python.exe is compiled here. Nothing else is needed beyond Debian and PyPI.
# The first call takes about 80 s, later ones 1 s unless this script or constraints.txt changed.
set -euo pipefail

folder=$(mkdir -p "${1:?usage: windows_python.sh FOLDER [HOST_PYTHON]}" && cd "$1" && pwd)
host=${2:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$folder/work
mkdir -p "$work"
# this release of panda3d contains CPython 3.11.7 and 3.12.1 for Windows
carrier=panda3d==1.10.14
# numpy 2 calls C runtime functions that Wine 8 lacks; typer 0.29 needs a native package
packages=(pip pytest pytest-timeout pytest-xdist jsonschema psutil "typer<0.29" rich colorama platformdirs PyYAML omegaconf hydra-core "numpy<2")

say() { echo "-- $*" >&2; }
fail() { say "$*"; exit 1; }

version=$("$host" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
  3.11 | 3.12) short=${version/./} ;;
  *) fail "A Windows Python is made from Python 3.11 or 3.12; $host is $version." ;;
esac

have_tools() { command -v wine && command -v wineserver && command -v x86_64-w64-mingw32-gcc; } >/dev/null
if ! have_tools; then
  say "installing Wine and a compiler for Windows programs"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends wine wine64 gcc-mingw-w64-x86-64; } \
    >"$work/apt.log" 2>&1 || { tail -5 "$work/apt.log" >&2; fail "Wine is missing and apt-get cannot install it."; }
  have_tools || fail "apt-get installed Wine, but its programs are not on PATH."
fi

prefix=$folder/prefix
drive=$prefix/drive_c
home=$drive/py$short
cat >"$folder/wine.env" <<EOS
export WINEPREFIX='$prefix' WINEARCH=win64 WINEDEBUG=-all
export WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe,winedbg.exe='
unset DISPLAY WAYLAND_DISPLAY
EOS
# shellcheck source=/dev/null
. "$folder/wine.env"

# Output goes through a pipe because Windows Python under Wine 8 cannot write to a redirected Linux file. The server
# starts first: its services would otherwise inherit the pipe, and `cat` would wait for them.
cat >"$folder/wpy" <<EOS
#!/usr/bin/env bash
. '$folder/wine.env'
if wineserver -p120 2>/dev/null; then wine cmd /c exit </dev/null >/dev/null 2>&1; fi
wine 'C:\\py$short\\python.exe' "\$@" </dev/null 2>&1 | cat
exit "\${PIPESTATUS[0]}"
EOS
chmod +x "$folder/wpy"

make_prefix() {
  say "creating a Wine prefix"
  wine wineboot -i </dev/null >/dev/null 2>&1
  wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f </dev/null >/dev/null 2>&1
  wineserver -w
}

fetch_carrier() {
  say "fetching the Windows build of Python $version"
  "$host" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" \
    --platform win_amd64 --python-version "$version" --implementation cp "$carrier" || fail "pip download failed."
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
  x86_64-w64-mingw32-windres "$work/python.rc" -o "$work/python.res.o"
  x86_64-w64-mingw32-gcc -O1 -s -municode -DPYTHON_DLL="L\"python$short.dll\"" "$work/python.c" "$work/python.res.o" \
    -o "$home/python.exe"

  # python3.dll, which stable-ABI extension modules (psutil) link to: it forwards every name to python3XX.dll
  { echo "LIBRARY python3.dll"; echo EXPORTS; exported_names | sed "s/.*/  & = python$short.&/"; } >"$work/python3.def"
  echo 'int __stdcall DllMainCRTStartup(void *h, unsigned r, void *p) { return 1; }' >"$work/empty.c"
  x86_64-w64-mingw32-gcc -shared -nostdlib -s "$work/empty.c" "$work/python3.def" -o "$home/python3.dll"

  # Wine 8 lacks bcryptprimitives.dll, the source of random numbers in Rust extensions (jsonschema's rpds)
  cat >"$work/random.c" <<'EOC'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
    return SystemFunction036(bytes, (ULONG)count);
}
EOC
  x86_64-w64-mingw32-gcc -shared -s -O1 "$work/random.c" -ladvapi32 -o "$drive/windows/system32/bcryptprimitives.dll"
}

exported_names() {
  x86_64-w64-mingw32-objdump -p "$home/python$short.dll" | sed -n '/Ordinal\/Name Pointer/,$p' |
    grep -oE '\b_?Py[A-Za-z0-9_]+$' | sort -u
}

install_packages() {
  say "installing packages"
  grep -v '^numpy' "$root/constraints.txt" >"$work/constraints.txt"
  # the only package without a wheel; it is pure Python
  "$host" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" antlr4-python3-runtime==4.9.3 \
    >"$work/pip.log" 2>&1 || { tail -5 "$work/pip.log" >&2; fail "pip wheel failed."; }
  "$host" -m pip install --quiet --disable-pip-version-check --no-compile --upgrade --find-links "$work" \
    --target "$home/Lib/site-packages" --platform win_amd64 --python-version "$version" --implementation cp \
    --only-binary=:all: -c "$work/constraints.txt" "${packages[@]}" >"$work/pip.log" 2>&1 ||
    { tail -5 "$work/pip.log" >&2; fail "pip install failed."; }
}

# a hash of everything the Windows Python is made from; a different one makes it anew
stamp=$(cat "$0" "$root/constraints.txt" | sha256sum | cut -c1-16)
if [ "$(cat "$home/.made" 2>/dev/null)" != "$stamp" ]; then
  [ -f "$prefix/system.reg" ] || make_prefix
  ls "$work"/panda3d-*-cp"$short"-*.whl >/dev/null 2>&1 || fetch_carrier
  unpack_python
  compile_programs
  install_packages
  "$folder/wpy" -c 'import ctypes, hydra, jsonschema, numpy, os, psutil, pytest, pytest_timeout, rich, sqlite3, ssl
import typer, xdist
assert os.name == "nt"' ||
    fail "The Windows Python does not run."
  echo "$stamp" >"$home/.made"
fi
